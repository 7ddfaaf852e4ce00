/**
 * The same training in headless Chromium. Run by itself it compares the losses with Bun's:
 *
 *   bun packages/tensor-core/test/engines/cpu/portable/browser.ts
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report } from "./train.ts";

export interface BrowserReport extends Report {
  /** Whether the page was allowed to share memory. */
  readonly isolated: boolean;
  /** The engine that `openDevice()` takes there. */
  readonly best: string;
}

/** Path of a Chromium or Chrome: $CHROMIUM, or the first of the usual names. */
export function findBrowser(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
  const found = names.map((name) => Bun.which(name)).find((path) => path !== null);
  return process.env.CHROMIUM ?? found ?? undefined;
}

/** Headers that let a page share memory with its workers. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Bundles the page for browsers. Throws where something of the package cannot be. */
export async function bundlePage(): Promise<string> {
  const built = await Bun.build({ entrypoints: [join(import.meta.dir, "page.ts")], target: "browser" });
  return built.outputs[0]!.text();
}

/** Serves the page with or without the headers of isolation, opens it, and waits for its report. */
export async function trainInBrowser(
  browser: string,
  script: string,
  { threads, isolated }: { threads: number; isolated: boolean },
): Promise<BrowserReport> {
  const { promise, resolve, reject } = Promise.withResolvers<BrowserReport>();
  const headers = isolated ? ISOLATION : {};
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/report") {
        const report = (await request.json()) as BrowserReport | { error: string };
        if ("error" in report) reject(new Error(`in the page: ${report.error}`));
        else resolve(report);
        return new Response("", { headers });
      }
      const [type, body] =
        pathname === "/page.js"
          ? ["text/javascript", script]
          : ["text/html", '<!doctype html><script type="module" src="/page.js"></script>'];
      return new Response(body, { headers: { "Content-Type": type, ...headers } });
    },
  });
  const profile = await mkdtemp(join(tmpdir(), "trimtab-browser-"));
  const child = Bun.spawn(
    [
      browser,
      "--headless=new",
      "--no-sandbox", // the root of a container may not make sandboxes; the page is our own
      "--disable-gpu",
      "--no-first-run",
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${server.port}/?threads=${threads}`,
    ],
    { stdout: "ignore", stderr: "ignore" },
  );
  const timer = setTimeout(() => reject(new Error("the page gave no report within 60 s")), 60_000);
  child.exited.then((code) =>
    reject(new Error(`the browser ended with code ${code} before the page's report`)),
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.kill();
    await child.exited;
    await server.stop(true);
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

if (import.meta.main) {
  const browser = findBrowser();
  if (browser === undefined) throw new Error("no Chromium found; install one, or name it in CHROMIUM");
  const { train } = await import("./train.ts");
  const script = await bundlePage();
  const here = JSON.stringify((await train(2)).losses);
  let equal = true;
  for (const isolated of [true, false]) {
    const { losses, threads } = await trainInBrowser(browser, script, { threads: 2, isolated });
    const same = JSON.stringify(losses) === here;
    equal &&= same;
    console.log(
      `${isolated ? "with" : "without"} shared memory: ${threads} thread(s), losses ${same ? "equal to Bun's" : "DIFFER from Bun's"}`,
    );
  }
  process.exitCode = equal ? 0 : 1;
}
