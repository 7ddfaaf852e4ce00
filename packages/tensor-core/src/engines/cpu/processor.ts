import { hostModule } from "../host-process.ts";

/** What this machine's processor calls itself; a browser does not tell. */
export function processorName(): string {
  const os = hostModule<{ cpus(): { model: string }[] }>("node:os");
  const model = os?.cpus()[0]?.model.replaceAll(/\s+/g, " ").trim();
  return model === undefined || model === "" || model === "unknown" ? "processor" : model;
}
