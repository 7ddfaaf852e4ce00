/** A task that knows whether its base model was needed, so that its seconds are charged to the search that needed it. */
import { Task } from "../task.ts";
import type { Trained } from "../training/contract.ts";
import type { TrainEvent } from "../training/progress.ts";

export class WatchedTask extends Task {
  #asked: Promise<Trained> | undefined;

  override base(onEvent?: (event: TrainEvent) => void): Promise<Trained> {
    this.#asked = super.base(onEvent);
    return this.#asked;
  }

  /** As if nobody had asked for the base model yet; a trained one stays. */
  forget(): void {
    this.#asked = undefined;
  }

  /** Seconds of training and evaluating the base model if it was asked for since, else 0. */
  async baseSeconds(): Promise<number> {
    const seconds = (await this.#asked)?.seconds;
    return seconds ? seconds.train + seconds.evaluate : 0;
  }
}
