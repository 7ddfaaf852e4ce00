/** `trimtab doctor`: what this machine has, and whether it computes. */
import { cpus, release, totalmem } from "node:os";
import { formatBytes, formatSeconds, renderTable } from "@trimtab/eval";
import { type Device, NoAdapterError } from "@trimtab/tensor-core";
import type { Command } from "commander";
import { listAdapters } from "../parts/adapters.ts";
import { type DeviceChoice, openChosen } from "../parts/device.ts";
import { measure } from "../parts/measure.ts";
import { adapterOption } from "../parts/options.ts";
import { withQuietDriver } from "../parts/quiet.ts";
import { act, verb } from "../parts/verb.ts";

export function command(): Command {
  const made = verb(
    "doctor",
    "Show what this machine has: adapters, limits, a numeric self-test and a few timings.",
    "trimtab doctor",
  ).addOption(adapterOption());
  return act<DeviceChoice>(made, async (context, choice) => {
    const machine = machineFacts();
    const lines = Object.entries(machine).map(([name, value]) => ({ name, value: String(value) }));
    const show = (name: string, value: string) => lines.push({ name, value });
    const table = () =>
      renderTable(lines, [
        { title: "what", value: (l) => l.name },
        { title: "found", value: (l) => l.value },
      ]);
    const found = await (choice.debug ? listAdapters() : withQuietDriver(listAdapters));
    let device: Device;
    try {
      device = await openChosen(choice);
    } catch (reason) {
      if (!(reason instanceof NoAdapterError)) throw reason;
      show("adapters", found.join(", ") || "none");
      show("adapter used", "none that computes");
      context.print(table());
      throw reason;
    }
    using opened = device;
    const { info } = opened;
    const timings = await measure(opened);
    const memory = opened.memory();
    const why = info.software
      ? "the only kind found is a processor that plays a GPU; a GPU with a driver would be taken first"
      : "a GPU was found, and it passed the self-test";
    show("engine used", `${info.engine}: ${why}`);
    show("adapters found", found.join(", ") || "this platform does not list them");
    show("adapter used", `${info.adapter}${info.vendor ? ` (${info.vendor})` : ""}`);
    show("self-test", "passed: a kernel's numbers are right");
    show("largest table part", formatBytes(info.maxBindingBytes));
    show("buffers a kernel", String(info.maxBuffersPerKernel));
    show(
      "time per kernel",
      info.timestamps ? "from timestamps" : "no timestamps; by waiting after each kernel",
    );
    show("to the device", `${formatBytes(timings.upload)}/s (${formatBytes(timings.transferBytes)} block)`);
    show("from the device", `${formatBytes(timings.download)}/s`);
    show(
      "matrix product",
      `${(timings.matmul / 1e9).toFixed(1)} GFLOP/s (${timings.matmulShape.join(" x ")})`,
    );
    show("an empty step, there and back", formatSeconds(timings.step));
    context.print(table());
    context.document({
      ok: true,
      machine,
      adapters: found,
      device: info,
      selfTest: "passed",
      why,
      timings,
      memory,
    });
  });
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
