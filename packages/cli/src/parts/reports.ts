/** Events of training and searching, for people (progress) and for the run folder (events.jsonl). */
import { formatCount, formatTimeLeft } from "@trimtab/eval";
import type { EventLog, SearchEvent, TrainEvent } from "@trimtab/search-core";
import type { Context } from "./context.ts";

/** Steps are told ten times a second; the log keeps one in so many seconds. */
const STEP_LOG_SECONDS = 5;

/** A listener for the training of one model. */
export function trainReport(context: Context, log: EventLog, name: string): (event: TrainEvent) => void {
  let logged = performance.now();
  return (event) => {
    if (event.kind === "step") {
      const { epoch, epochs, batch, batches, loss, rowsPerSecond, secondsLeft } = event;
      const rate = `${formatCount(rowsPerSecond)} rows/s, ${formatTimeLeft(secondsLeft)} left of the epoch`;
      const shownLoss = Number.isFinite(loss) ? `, loss ${loss.toFixed(4)}` : "";
      context.progress.update(
        `${name} epoch ${epoch + 1} of at most ${epochs}`,
        batch / batches,
        `${rate}${shownLoss}`,
      );
      if (performance.now() - logged < STEP_LOG_SECONDS * 1000) return;
      logged = performance.now();
    }
    if (event.kind === "evaluation") {
      const { epoch, auc, logloss, best } = event;
      context.progress.line(
        `${name} epoch ${epoch + 1}: validation AUC ${auc.toFixed(4)}, logloss ${logloss.toFixed(4)}${best ? ", the best so far" : ""}`,
      );
    }
    if (event.kind === "moved") {
      context.note(
        `${name} was trained on ${event.from} so far and goes on on ${event.to}: equal within rounding, not to the bit.`,
      );
    }
    log.append({ ...event, name });
  };
}

/** A listener for a search. */
export function searchReport(
  context: Context,
  log: EventLog,
  method: string,
  label = method,
): (event: SearchEvent) => void {
  const trainings = new Map<string, (event: TrainEvent) => void>();
  return (event) => {
    if (event.kind === "train") {
      let report = trainings.get(event.name);
      if (!report) {
        report = trainReport(context, log, event.name);
        trainings.set(event.name, report);
      }
      report(event.event);
    } else if (event.kind === "progress") {
      context.progress.update(
        label,
        event.done / event.total,
        `${event.done} of ${event.total} ${event.what}`,
      );
    } else if (event.kind === "note") {
      context.progress.line(`${label}: ${event.text}`);
      log.append({ kind: "note", method, text: event.text });
    } else {
      const { budget, scheme } = event;
      log.append({ kind: "candidate", method, budget, dims: scheme.dims, bytes: scheme.serveBytes() });
    }
  };
}
