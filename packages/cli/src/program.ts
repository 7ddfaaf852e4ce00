/** From arguments to an exit code. Only the verb that was typed is loaded, so that --help need not open native libraries. */
import { tmpdir } from "node:os";
import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { errorText, exitCodeOf } from "./parts/errors.ts";

const VERBS = [
  [
    "doctor",
    "what this machine has: adapters, limits, a numeric self-test",
    () => import("./verbs/doctor.ts"),
  ],
  ["prepare", "a log becomes a dataset folder", () => import("./verbs/prepare.ts")],
  ["generate", "a synthetic log with a planted truth", () => import("./verbs/generate.ts")],
  ["train", "a base model; resumes after any interruption", () => import("./verbs/train.ts")],
  ["search", "schemes under one or several budgets", () => import("./verbs/search.ts")],
  ["retrain", "the model again, under a scheme", () => import("./verbs/retrain.ts")],
  ["evaluate", "AUC, logloss, per-user AUC, calibration", () => import("./verbs/evaluate.ts")],
  ["compare", "methods, budgets and seeds at equal bytes", () => import("./verbs/compare.ts")],
  ["export", "a trained model as a compact folder, and ONNX", () => import("./verbs/export.ts")],
  ["report", "comparisons as one page, CSV and JSON", () => import("./verbs/report.ts")],
  ["new-searcher", "a package for a searcher of your own", () => import("./verbs/new-searcher.ts")],
  ["demo", "all of it, on a generated log or on yours", () => import("./verbs/demo.ts")],
] as const;

async function program(typed: string | undefined): Promise<Command> {
  const root = new Command("trimtab")
    .description("Right-sizes the embedding tables of recommender models.")
    .version(manifest.version)
    .exitOverride()
    .showHelpAfterError("(--help shows what can be given)")
    .addHelpText("after", "\nEvery verb has --help with an example.\n\nExample:\n  trimtab demo");
  for (const [name, summary, load] of VERBS) {
    const command =
      name === typed ? (await load()).command() : new Command(name).description(summary).helpOption(false);
    root.addCommand(command.summary(summary).copyInheritedSettings(root));
  }
  return root;
}

/** Runs one command line, without the program's name; resolves with its exit code: 0, 1 failure, 2 wrong use, 130 stopped. */
export async function main(args: readonly string[]): Promise<number> {
  // Dawn prints a warning when the variable is unset; any folder will do.
  process.env.XDG_RUNTIME_DIR ||= tmpdir();
  const [first, second] = args;
  const typed = first === "help" ? second : first;
  try {
    const root = await program(typed);
    if (first === undefined) {
      process.stderr.write(root.helpInformation());
      return 2;
    }
    await root.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    // commander has said what was wrong; help and version are no failures
    const said = error instanceof CommanderError;
    if (said && error.exitCode === 0) return 0;
    if (args.includes("--json")) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      process.stdout.write(`${JSON.stringify({ error: { name, message } }, null, 2)}\n`);
    }
    if (said) return 2;
    process.stderr.write(`${errorText(error, args.includes("--debug"))}\n`);
    return exitCodeOf(error);
  }
}
