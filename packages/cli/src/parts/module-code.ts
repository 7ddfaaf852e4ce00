/** What a module from outside does, as a hash: what is kept of its searchers is theirs only as long as it stays the same. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The hash of a module and of the files it imports by path, without comments and white space. Packages that it imports by name are not
 * in it: those of Trimtab are of the version that is a part of every key anyway.
 */
export async function codeOf(url: string): Promise<string> {
  const path = fileURLToPath(url);
  return createHash("sha256")
    .update((await bundled(path)) ?? readFileSync(path))
    .digest("hex")
    .slice(0, 16);
}

/** undefined where it cannot be bundled, though it was imported: then its own file must do. */
async function bundled(path: string): Promise<string | undefined> {
  try {
    const options = { packages: "external", target: "bun", minify: { whitespace: true } } as const;
    const { outputs } = await Bun.build({ entrypoints: [path], ...options });
    return await outputs[0]?.text();
  } catch {
    return undefined;
  }
}
