/** A number that is none must be seen: nothing between an input and the loss may turn it into a sound one. */
import { describe, expect, test } from "bun:test";
import * as t from "../../src/index.ts";
import { Variables } from "./run.ts";

const BATCH = 6;
const FIELDS = 3;
const DIM = 5;

/** A small DeepFM's forward pass from dense numbers and ids to its loss, without batch norm, which would spread a NaN anyway. */
function model(variables: Variables) {
  const table = variables.make("table", [8, DIM]);
  const w = variables.make("w", [FIELDS * DIM + 1, 9]);
  const b = variables.make("b", [9]);
  const out = variables.make("out", [9, 1]);
  for (const v of [table, w, b, out])
    v.write(Float32Array.from({ length: v.size }, (_, i) => Math.sin(i + 1) / 2));
  const plan = t.planInputs("plan", BATCH * FIELDS);
  const e = t.gather(table.value, t.input("ids", [BATCH, FIELDS], "u32"), plan);
  const total = t.sum(e, [1]);
  const pairs = t.mul(t.sum(t.sub(t.square(total), t.sum(t.square(e), [1])), [1]), 0.5);
  const x = t.concat([t.reshape(e, [BATCH, FIELDS * DIM]), t.input("dense", [BATCH, 1])], 1);
  const hidden = t.relu(t.add(t.matmul(x, w.value), b.value));
  const logits = t.add(pairs, t.reshape(t.matmul(hidden, out.value), [BATCH]));
  const losses = t.bceWithLogits(logits, t.input("labels", [BATCH]));
  return { table, w, b, outputs: { hidden, logits, losses, loss: t.mean(losses) } };
}

export function nanSuite(device: () => t.Device): void {
  describe("NaN comes out", () => {
    const nan = Number.NaN;
    const rowsWithNaN = (values: t.HostArray, rows: number): number[] => {
      const width = values.length / rows;
      return Array.from({ length: rows }, (_, row) => row).filter((row) =>
        values.subarray(row * width, (row + 1) * width).some((x) => Number.isNaN(x)),
      );
    };
    const feeds = (dense: number[], labels = new Array<number>(BATCH).fill(1)) => ({
      ids: Uint32Array.from({ length: BATCH * FIELDS }, (_, i) => i % 7),
      dense: Float32Array.from(dense),
      labels: Float32Array.from(labels),
    });
    const sound = [0.5, -1, 2, 0, 1, -2];

    test("of relu, and of max and min on either side", async () => {
      const x = t.input("x", [7]);
      const y = t.input("y", [7]);
      using program = await device().compile({
        outputs: {
          relu: t.relu(x),
          clipped: t.minimum(t.maximum(x, -1), 1),
          left: t.maximum(x, y),
          right: t.minimum(y, x),
          squashed: t.sigmoid(t.relu(t.neg(x))),
          soft: t.softplus(x),
        },
      });
      const fed = {
        x: Float32Array.of(1, nan, -3, 0, nan, 2, nan),
        y: Float32Array.of(9, 9, -9, -9, -9, 9, 9),
      };
      for (const [name, values] of Object.entries(await program.fetch(fed)))
        expect([name, rowsWithNaN(values, 7)]).toEqual([name, [1, 4, 6]]);
    });

    test("of max and min over axes, wherever it was", async () => {
      const x = t.input("x", [9, 37]);
      using program = await device().compile({
        outputs: {
          max: t.max(x, [1]),
          min: t.min(x, [1]),
          mean: t.mean(x, [1]),
          down: t.max(x, [0]),
        },
      });
      for (const column of [0, 1, 15, 35, 36]) {
        const values = Float32Array.from({ length: 9 * 37 }, (_, i) => Math.cos(i));
        values[4 * 37 + column] = nan;
        const { max, min, mean, down } = await program.fetch({ x: values });
        for (const found of [max, min, mean]) expect(rowsWithNaN(found, 9)).toEqual([4]);
        expect(rowsWithNaN(down, 37)).toEqual([column]);
      }
    });

    test("a NaN input, label, embedding, weight or bias is a NaN loss", async () => {
      using variables = new Variables(device());
      const { table, w, b, outputs } = model(variables);
      using program = await device().compile({ outputs });
      const before = await program.fetch(feeds(sound));
      expect(rowsWithNaN(before.loss, 1)).toEqual([]);

      const input = await program.fetch(feeds(sound.map((x, i) => (i === 4 ? nan : x))));
      expect(rowsWithNaN(input.hidden, BATCH)).toEqual([4]);
      expect(rowsWithNaN(input.losses, BATCH)).toEqual([4]);
      expect(input.loss[0]).toBeNaN();

      const label = await program.fetch(feeds(sound, [1, 0, nan, 1, 0, 1]));
      expect(rowsWithNaN(label.losses, BATCH)).toEqual([2]);
      expect(label.loss[0]).toBeNaN();

      for (const [variable, at] of [
        [table, 3 * DIM + 2],
        [w, 20],
        [b, 4],
      ] as const) {
        const content = (await variable.read()) as Float32Array;
        variable.write(Float32Array.from(content, (x, i) => (i === at ? nan : x)));
        expect([variable.name, (await program.fetch(feeds(sound), ["loss"])).loss[0]]).toEqual([
          variable.name,
          nan,
        ]);
        variable.write(content);
      }
      // and nothing of it stays
      expect((await program.fetch(feeds(sound), ["loss"])).loss).toEqual(before.loss);
    });

    test("a NaN gradient reaches the parameter that it belongs to, and no row of a table that was not touched", async () => {
      using variables = new Variables(device());
      const table = variables.make("table", [6, 3]);
      const ids = [1, 4, 1];
      const plan = t.planInputs("plan", ids.length);
      const looked = t.gather(table.value, t.input("ids", [3], "u32"), plan);
      const loss = t.sum(t.mul(looked, t.input("scale", [3, 1])));
      const optimizer = new t.Optimizer(device(), [
        { name: "tables", rule: t.rowAdam({ lr: 0.1 }), variables: [table] },
      ]);
      using program = await device().compile({
        outputs: { loss },
        updates: optimizer.updates(t.grad(loss, [table])),
      });
      const step = {
        ids: Uint32Array.from(ids),
        scale: Float32Array.of(1, nan, 1),
        "plan.sorted": Uint32Array.of(0, 2, 1),
        "plan.rows": Uint32Array.of(1, 4),
        "plan.offsets": Uint32Array.of(0, 2, 3),
        "plan.pieceOffsets": Uint32Array.of(0, 0, 0),
        "plan.pieceFrom": Uint32Array.of(),
        "plan.pieceTo": Uint32Array.of(),
        "plan.count": 2,
        "plan.pieceCount": 0,
      };
      const wanted = new Set(program.inputs);
      const given = Object.entries({ ...step, ...optimizer.next(wanted) }).filter(([name]) =>
        wanted.has(name),
      );
      const { loss: value } = await program.fetch(Object.fromEntries(given));
      expect(value[0]).toBeNaN();
      expect(rowsWithNaN(await table.read(), 6)).toEqual([4]);
      optimizer.dispose();
    });
  });
}
