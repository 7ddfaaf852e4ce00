/** `trimtab doctor`: what this machine has, which engine a verb would take and why, and whether each engine computes. */
import { cpus, release, totalmem } from "node:os";
import { formatBytes, formatCount, formatSeconds, renderTable } from "@trimtab/eval";
import { type Device, NoAdapterError, openDevice } from "@trimtab/tensor-core";
import type { Command } from "commander";
import { type ListedAdapter, listAdapters } from "../parts/adapters.ts";
import { type DeviceChoice, describeDevice, openChosen } from "../parts/device.ts";
import { distinct, examine, type Finding, openAndExamine } from "../parts/examine.ts";
import { addDeviceOptions } from "../parts/options.ts";
import { withQuietDriver } from "../parts/quiet.ts";
import { TRAINED } from "../parts/training-speed.ts";
import { act, verb } from "../parts/verb.ts";

export function command(): Command {
  const made = verb(
    "doctor",
    "Show what this machine has: engines and adapters, which is used and why, a numeric self-test and timings of each.",
    "trimtab doctor",
    "trimtab doctor --engine cpu --threads 2",
  );
  return act<DeviceChoice>(addDeviceOptions(made), async (context, choice) => {
    const machine = machineFacts();
    const adapters = await (choice.debug ? listAdapters() : withQuietDriver(listAdapters));
    let device: Device;
    try {
      device = await openChosen(choice);
    } catch (reason) {
      if (reason instanceof NoAdapterError) {
        context.print(factsTable(machine, adapters));
        context.print(hints([], adapters));
      }
      throw reason;
    }
    using opened = device;
    const used = await examine(opened, true);
    const engines = [used, ...(await others(used, adapters, choice))];
    const why = `Used: ${describeDevice(opened.info)}, because ${opened.choice.why.replace(/\.$/, "")}.`;
    context.print(factsTable(machine, adapters));
    context.print(enginesTable(engines));
    context.print(`${why}\n${hints(engines, adapters)}`);
    const { info: info_, timings, selfTest, memory } = used;
    const ok = selfTest === "passed";
    context.document({ ok, machine, adapters, device: info_, selfTest, why, timings, memory, engines });
    if (!ok) throw new NoAdapterError(`${used.adapter} does not compute: ${selfTest}`);
  });
}

/** The engines and adapters that are there but not used. */
async function others(
  used: Finding,
  adapters: readonly ListedAdapter[],
  { debug = false, threads }: DeviceChoice,
): Promise<Finding[]> {
  const found: Finding[] = [];
  if (used.engine !== "cpu") {
    const what = { engine: "cpu", adapter: "processor" } as const;
    found.push(await openAndExamine(what, () => openDevice({ engine: "cpu", threads }), debug));
  }
  for (const adapter of distinct(adapters)) {
    const what = { engine: "webgpu", adapter } as const;
    const finding = await openAndExamine(what, () => openDevice({ adapter }), debug);
    // a list's name of an adapter is not always the adapter's own
    if (![used, ...found].some((f) => f.engine === "webgpu" && f.adapter === finding.adapter))
      found.push(finding);
  }
  return found;
}

function factsTable(machine: Readonly<Record<string, string>>, adapters: readonly ListedAdapter[]): string {
  const listed = adapters.map(({ name, backend }) => `${name} (${backend})`).join(", ");
  const lines = Object.entries({ ...machine, "webgpu adapters": listed || "none listed" });
  return renderTable(lines, [
    { title: "what", value: ([name]) => name },
    { title: "found", value: ([, value]) => value },
  ]);
}

/** Engines side by side: one column each, because there are few of them and much to say of each. */
function enginesTable(engines: readonly Finding[]): string {
  const line = (name: string, value: (finding: Finding) => string | undefined) => ({ name, value });
  const timed = (text: (t: NonNullable<Finding["timings"]>) => string) => (f: Finding) =>
    f.timings && text(f.timings);
  const { fields, rows, dim, batch } = TRAINED;
  const lines = [
    line("used", (f) => (f.used ? "yes" : "no")),
    line("adapter", (f) => `${f.adapter}${f.info?.software ? " (software)" : ""}`),
    line("self-test", (f) => f.selfTest),
    line(
      "matrix product",
      timed((t) => `${(t.matmul / 1e9).toFixed(1)} GFLOP/s (${t.matmulShape.join(" x ")})`),
    ),
    line(
      "training step",
      timed(
        (t) =>
          `${formatCount(Math.round(t.trainRows))} rows/s (FM, ${fields} tables of ${rows} x ${dim}, batch ${batch})`,
      ),
    ),
    line(
      "an empty step, there and back",
      timed((t) => formatSeconds(t.step)),
    ),
    line(
      "to the device",
      timed((t) => `${formatBytes(t.upload)}/s (${formatBytes(t.transferBytes)} block)`),
    ),
    line(
      "from the device",
      timed((t) => `${formatBytes(t.download)}/s`),
    ),
    line("largest table part", (f) => f.info && formatBytes(f.info.maxBindingBytes)),
    line("buffers a kernel", (f) => f.info && String(f.info.maxBuffersPerKernel)),
  ];
  return renderTable(lines, [
    { title: "engine", value: (l) => l.name },
    ...engines.map((f) => ({ title: f.engine, value: (l: (typeof lines)[number]) => l.value(f) ?? "-" })),
  ]);
}

/** How to get what is not used: one sentence an engine. */
function hints(engines: readonly Finding[], adapters: readonly ListedAdapter[]): string {
  const texts: string[] = [];
  const [used] = engines;
  const software = engines.find((f) => f.info?.software);
  if (used?.engine !== "cpu")
    texts.push("--engine cpu computes on the processor's cores and needs no driver.");
  if (software !== undefined) {
    const took = software.used ? "--engine webgpu took" : "--engine webgpu takes";
    texts.push(`${took} a software driver, a processor that plays a GPU: for testing only.`);
  } else if (adapters.length === 0 && used?.engine !== "webgpu") {
    texts.push(
      "The webgpu engine needs a GPU with its driver (Vulkan, Metal or Direct3D 12); only to test it without a GPU, the packages " +
        "mesa-vulkan-drivers and libvulkan1 of Debian and Ubuntu (Mesa 25 or newer) play one, which --engine webgpu takes.",
    );
  } else if (used?.engine === "cpu") {
    texts.push("--engine webgpu takes the adapter above.");
  }
  return texts.join("\n");
}

function machineFacts(): Readonly<Record<string, string>> {
  const processors = cpus();
  return {
    runtime: process.versions.bun ? `Bun ${process.versions.bun}` : `Node.js ${process.versions.node}`,
    system: `${process.platform} ${release()} ${process.arch}`,
    processor: `${processors[0]?.model.trim() ?? "unknown"}, ${processors.length} cores`,
    memory: formatBytes(totalmem()),
  };
}
