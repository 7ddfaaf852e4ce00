/** The arena against a model: a list of the blocks that should be there. */
import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { Arena } from "../../../../src/engines/cpu/host/arena.ts";
import { BufferTooLarge, DisposedError } from "../../../../src/errors.ts";

const MiB = 2 ** 20;

interface Model {
  blocks: { address: number; bytes: number; mark: number }[];
  marks: number;
}

const commands = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ allocate: fc.oneof(fc.nat(300), fc.nat(200_000)) }) },
    { weight: 2, arbitrary: fc.record({ free: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ move: fc.constant(true) }) },
  ),
  { maxLength: 60 },
);

function holds(arena: Arena, model: Model): void {
  const sorted = [...model.blocks].sort((a, b) => a.address - b.address);
  let end = 65536;
  for (const { address, bytes, mark } of sorted) {
    expect(address % 64).toBe(0);
    expect(address).toBeGreaterThanOrEqual(end);
    end = address + Math.max(64, Math.ceil(bytes / 64) * 64);
    if (bytes > 0) {
      expect(arena.u8[address]).toBe(mark);
      expect(arena.u8[address + bytes - 1]).toBe(mark);
    }
  }
  expect(end).toBeLessThanOrEqual(arena.reserved);
  expect(arena.reserved).toBe(arena.memory.buffer.byteLength);
  expect(arena.buffers).toBe(sorted.length);
  const total = sorted.reduce((sum, block) => sum + Math.max(64, Math.ceil(block.bytes / 64) * 64), 0);
  expect(arena.bytes).toBe(total);
  // Live + free = all but the control area.
  const free = arena.freeRanges.reduce((sum, range) => sum + range.end - range.start, 0);
  expect(free + total + 65536).toBe(arena.reserved);
}

describe("Arena", () => {
  for (const shared of [true, false])
    test(`no overlap, zeroed, aligned, exact totals, all free = one range (${shared ? "shared" : "unshared"})`, () => {
      law(
        fc.property(commands, (list) => {
          let arena = new Arena({ shared, limit: 64 * MiB });
          const model: Model = { blocks: [], marks: 0 };
          for (const command of list) {
            if ("allocate" in command) {
              const bytes = command.allocate;
              const address = arena.allocate(bytes, "block");
              const content = arena.u8.subarray(address, address + bytes);
              expect(content.every((byte) => byte === 0)).toBe(true);
              const mark = (model.marks++ % 255) + 1;
              content.fill(mark);
              model.blocks.push({ address, bytes, mark });
            } else if ("free" in command) {
              if (model.blocks.length === 0) continue;
              const [block] = model.blocks.splice(command.free % model.blocks.length, 1);
              arena.free(block!.address);
              expect(() => arena.free(block!.address)).toThrow(DisposedError);
            } else {
              const { arena: next, moved, translate } = arena.moveTo();
              expect(moved.size).toBe(model.blocks.length);
              for (const block of model.blocks) {
                expect(translate(block.address + 63)).toBe(moved.get(block.address)! + 63);
                block.address = moved.get(block.address)!;
              }
              expect(next.reserved - 65536 - next.bytes).toBeLessThan(65536);
              arena = next;
            }
            holds(arena, model);
          }
          for (const block of model.blocks) arena.free(block.address);
          expect(arena.bytes).toBe(0);
          expect(arena.buffers).toBe(0);
          expect(arena.freeRanges.length).toBeLessThanOrEqual(1);
        }),
        60,
      );
    });

  test("views follow growth, growth is at most a quarter more than needed", () => {
    const arena = new Arena({ limit: 512 * MiB });
    let needed = 65536;
    for (const size of [1, 3, 40, 7, 100]) {
      arena.allocate(size * MiB, "grow");
      needed += size * MiB;
      expect(arena.reserved).toBeGreaterThanOrEqual(needed);
      expect(arena.reserved).toBeLessThanOrEqual(needed * 1.25 + 65536);
      expect(arena.u8.length).toBe(arena.reserved);
      expect(arena.u32.length).toBe(arena.reserved / 4);
      expect(arena.f32.length).toBe(arena.reserved / 4);
    }
  });

  test("over the limit: one sentence that names the limit and how to mend it; what is there stays", () => {
    const arena = new Arena({ limit: 8 * MiB });
    const address = arena.allocate(5 * MiB, "table user");
    arena.u32[address >> 2] = 7;
    expect(() => arena.allocate(4 * MiB, "table item")).toThrow(BufferTooLarge);
    expect(() => arena.allocate(4 * MiB, "table item")).toThrow(
      /"table item" asks for 4 MiB while 5 MiB are in use, and 8 MiB is the limit.*4 GiB.*dim or batch.*min count.*GPU/,
    );
    expect(arena.u32[address >> 2]).toBe(7);
    expect(arena.buffers).toBe(1);
    // All of the limit can be used.
    arena.allocate(8 * MiB - 5 * MiB - 65536, "rest");
    expect(arena.reserved).toBe(8 * MiB);
    expect(() => arena.allocate(1, "one more")).toThrow(BufferTooLarge);
  });

  test("reaches 4 GiB and says so beyond it", () => {
    // Untouched pages cost no memory.
    const arena = new Arena();
    const low = arena.allocate(1024 * MiB, "a");
    const high = arena.allocate(3 * 1024 * MiB - 65536, "b");
    expect(arena.reserved).toBe(2 ** 32);
    arena.u8[2 ** 32 - 1] = 9;
    expect(arena.u8[high + 3 * 1024 * MiB - 65536 - 1]).toBe(9);
    expect(() => arena.allocate(64, "c")).toThrow(
      /"c" asks for 64 bytes while 4.00 GiB are in use, and 4 GiB is the limit/,
    );
    arena.free(low);
    arena.free(high);
    expect(arena.freeRanges.length).toBe(1);
  });

  test("wasteful: over 64 MiB and less than half in use; moving mends it", () => {
    const arena = new Arena({ limit: 512 * MiB });
    const big = arena.allocate(100 * MiB, "big");
    arena.allocate(10 * MiB, "small");
    expect(arena.wasteful()).toBe(false);
    arena.free(big);
    expect(arena.wasteful()).toBe(true);
    const { arena: next } = arena.moveTo();
    expect(next.wasteful()).toBe(false);
    expect(next.reserved).toBeLessThan(12 * MiB);
  });

  test("an address that was freed cannot be translated", () => {
    const arena = new Arena({ limit: 8 * MiB });
    const first = arena.allocate(64, "first");
    const second = arena.allocate(64, "second");
    arena.free(first);
    const { translate } = arena.moveTo();
    expect(translate(second + 60)).toBe(65536 + 60);
    expect(translate(0)).toBe(0);
    expect(() => translate(first)).toThrow(DisposedError);
  });
});
