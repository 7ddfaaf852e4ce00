// A real headless Chromium, driven by Playwright. Where there is none, the tests that need it say so and are left out.
import { type Browser, chromium, type Page } from "playwright-core";

/** Path of a Chromium or Chrome: $CHROMIUM, or the first of the usual names. */
export function findBrowser(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
  const found = names.map((name) => Bun.which(name)).find((path) => path !== null);
  return process.env.CHROMIUM ?? found ?? undefined;
}

export function launch(executablePath: string): Promise<Browser> {
  // the root of a container may not make sandboxes; the page is our own
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"], timeout: 60_000 });
}

export interface Opened {
  readonly page: Page;
  /** Console errors and warnings, and errors nobody caught. */
  readonly problems: string[];
  /** Everything that was asked of a network, the page's own file left out. */
  readonly requests: string[];
}

/** Opens a file and waits until the charts are drawn. */
export async function open(
  browser: Browser,
  file: string,
  { width = 1240, colorScheme = "light" }: { width?: number; colorScheme?: "light" | "dark" } = {},
): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const problems: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", ({ message }) => problems.push(message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("file:") && !url.startsWith("data:")) requests.push(url);
  });
  await page.goto(`file://${file}`);
  await page.waitForSelector("html[data-drawn]", { timeout: 60_000 });
  return { page, problems, requests };
}
