/** What all verbs share: --json, --debug, an example in --help, and an action that is given a context. */
import { Command } from "commander";
import { type Context, makeContext } from "./context.ts";
import { exitCodeOf, isToGoOn } from "./errors.ts";

export function verb(name: string, summary: string, ...examples: string[]): Command {
  return new Command(name)
    .description(summary)
    .option("--json", "print one JSON document on stdout, nothing else")
    .option("--debug", "print the stack of an error")
    .addHelpText("after", `\nExample:\n${examples.map((line) => `  ${line}`).join("\n")}`);
}

/** Gives the command its action. */
export function act<O>(
  command: Command,
  action: (context: Context, options: O, ...args: string[]) => Promise<void>,
): Command {
  return command.action(async () => {
    const options = command.opts();
    using context = makeContext({ json: options.json === true, debug: options.debug === true });
    try {
      await action(context, options as O, ...command.args);
    } catch (error) {
      if (exitCodeOf(error) !== 130 && !isToGoOn(error)) context.failed();
      throw error;
    }
  });
}
