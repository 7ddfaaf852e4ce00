/** What this machine's processor calls itself; a browser does not tell. */
export function processorName(): string {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const os = host?.getBuiltinModule?.("node:os") as { cpus(): { model: string }[] } | undefined;
  const model = os?.cpus()[0]?.model.replaceAll(/\s+/g, " ").trim();
  return model === undefined || model === "" || model === "unknown" ? "processor" : model;
}
