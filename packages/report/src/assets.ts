/** The page's script and style, made from src/page: bundled when the first report of a process is written. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PageError } from "./errors.ts";
import { type Licence, licencesOf } from "./licences.ts";

const PAGE = join(import.meta.dirname, "page");

/** Dark colours twice: where the system asks for them, and where the switch does. */
export function style(): string {
  const [rules, dark] = ["style.css", "dark.css"].map((name) => readFileSync(join(PAGE, name), "utf8"));
  const under = (selector: string) => dark!.replace(":root", selector);
  return `${rules}
@media (prefers-color-scheme: dark) {
${under(':root:not([data-theme="light"])')}}
${under(':root[data-theme="dark"]')}`;
}

export interface Script {
  readonly code: string;
  /** Of everything in `code` that is not ours. */
  readonly licences: readonly Licence[];
}

let bundled: Promise<Script> | undefined;

/** Observable Plot, what it needs of d3, and our drawing, as one script. Throws PageError. */
export function script(): Promise<Script> {
  bundled ??= bundle();
  return bundled;
}

async function bundle(): Promise<Script> {
  let built: Awaited<ReturnType<typeof Bun.build>>;
  try {
    built = await Bun.build({
      entrypoints: [join(PAGE, "main.ts")],
      target: "browser",
      format: "iife",
      minify: true,
      metafile: true,
    });
  } catch (cause) {
    throw new PageError(
      "the report's script could not be bundled; install the packages again (bun install) and retry.",
      { cause },
    );
  }
  const text = await built.outputs[0]!.text();
  // a script element ends at this text, wherever it stands
  const code = text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
  return { code, licences: licencesOf(built.metafile) };
}
