/** For browsers: trains on as many threads as the address asks for, and hands the report to the server. */
import { openDevice } from "../../../../src/index.ts";
import type { BrowserReport } from "./browser.ts";
import { train } from "./train.ts";

// this repository is typed without a browser's globals
const page = globalThis as unknown as { location: { search: string }; crossOriginIsolated: boolean };
const threads = Number(new URLSearchParams(page.location.search).get("threads"));
async function work(): Promise<BrowserReport> {
  const report = await train(threads);
  // asked for nothing, it finds what there is
  using best = await openDevice();
  return { ...report, isolated: page.crossOriginIsolated, best: best.info.engine };
}

const report = await work().catch((error: unknown) => ({
  error: error instanceof Error ? `${error.stack}` : String(error),
}));
await fetch("/report", { method: "POST", body: JSON.stringify(report) });
