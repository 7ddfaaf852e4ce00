/** Files are whole or as they were before, whatever happens to the process that writes them. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CheckpointError,
  loadTensors,
  saveTensors,
  TEMPORARY,
  type TensorFile,
  temporaryOf,
  writeWhole,
} from "../../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "trimtab-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ELEMENTS = 1 << 19;
const filled = (value: number): TensorFile => ({
  tensors: new Map([
    ["w", { dtype: "f32", shape: [ELEMENTS], data: new Float32Array(ELEMENTS).fill(value) }],
  ]),
  metadata: { value: String(value) },
});

const source = fileURLToPath(new URL("../../src/checkpoint/files.ts", import.meta.url));
const writer = `
  const { saveTensors } = await import(${JSON.stringify(source)});
  const [path, from] = [process.argv[1], Number(process.argv[2])];
  for (let value = from; ; value++) {
    const data = new Float32Array(${ELEMENTS}).fill(value);
    saveTensors(path, { tensors: new Map([["w", { dtype: "f32", shape: [${ELEMENTS}], data }]]), metadata: { value: String(value) } });
    if (value === from) console.log("writing");
  }`;

test("kill -9 in the middle of many saves leaves a file that loads, and no heap of temporary files", async () => {
  const path = join(folder, "killed.safetensors");
  let last = 0;
  let leftovers = 0;
  for (let round = 0; round < 8; round++) {
    const child = Bun.spawn([process.execPath, "-e", writer, path, String(last + 1)], { stdout: "pipe" });
    await child.stdout.getReader().read();
    // spread over the length of a save or two
    await Bun.sleep(1 + round * 3);
    child.kill("SIGKILL");
    await child.exited;
    const { tensors, metadata } = loadTensors(path);
    const value = Number(metadata.value);
    expect(value).toBeGreaterThan(last);
    expect(tensors.get("w")!.data.every((x) => x === value)).toBe(true);
    last = value;
    const beside = readdirSync(folder).filter((name) => name.endsWith(".tmp")).length;
    leftovers += beside;
    expect(beside).toBeLessThanOrEqual(1);
  }
  console.log(`8 kills, ${leftovers} of them in the middle of a write; ${last} saves began`);
  saveTensors(path, filled(0));
  expect(readdirSync(folder)).toEqual(["killed.safetensors"]);
}, 60_000);

describe("errors", () => {
  const path = join(folder, "kept.safetensors");

  test("a write that fails leaves the former file and nothing else", () => {
    saveTensors(path, filled(1));
    const bad = {
      get length(): number {
        throw new Error("disk full");
      },
    } as unknown as Uint8Array;
    expect(() => writeWhole(path, [new Uint8Array(8), bad])).toThrow(
      /kept.safetensors: cannot be written.*disk full/,
    );
    expect(loadTensors(path).metadata.value).toBe("1");
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    rmSync(path);
  });

  test("a folder that is not there, a folder in the file's place", () => {
    expect(() => saveTensors(join(folder, "nowhere", "a.safetensors"), filled(1))).toThrow(CheckpointError);
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
    mkdirSync(path);
    expect(() => saveTensors(path, filled(1))).toThrow(/kept.safetensors: cannot be written/);
    expect(() => loadTensors(path)).toThrow(/kept.safetensors: cannot be read/);
    expect(() => loadTensors(path)).toThrow(CheckpointError);
    rmSync(path, { recursive: true });
  });

  test("a missing, an empty and a foreign file are named", () => {
    expect(() => loadTensors(path)).toThrow(/kept.safetensors: no such file/);
    writeFileSync(path, "");
    expect(() => loadTensors(path)).toThrow(/kept.safetensors: only 0 bytes/);
    writeFileSync(path, "user,item,label\n1,2,1\n");
    expect(() => loadTensors(path)).toThrow(/kept.safetensors: a header of/);
    rmSync(path);
  });

  test("the temporary file of a process that is gone goes; of one that lives, or of another machine, it is left alone", () => {
    const [host] = TEMPORARY.exec(temporaryOf("x").slice(1))!.slice(1);
    const name = (machine: string, pid: number) => `${path}.${machine}-${pid}-00000000.tmp`;
    const gone = 2 ** 22 + 1;
    const left = name(host!, gone);
    // another process with our id, in a container that shares the folder
    const others = [name(host!, process.ppid), name(host!, process.pid), name("0".repeat(8), gone)];
    for (const other of [left, ...others]) writeFileSync(other, "half");
    saveTensors(path, filled(1));
    expect(existsSync(left)).toBe(false);
    for (const other of others) {
      expect(existsSync(other)).toBe(true);
      rmSync(other);
    }
  });
});
