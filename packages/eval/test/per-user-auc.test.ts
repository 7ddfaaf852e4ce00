import { describe, expect, test } from "bun:test";
import { auc, BadUserError, LengthMismatchError, NoMixedUserError, perUserAuc } from "@trimtab/eval";
import fc from "fast-check";
import { aucByPairs, scoredRows, settings } from "./arbitraries.ts";

describe("perUserAuc, laws", () => {
  test("equals pair counting inside each user", () => {
    fc.assert(
      fc.property(scoredRows, ({ scores, labels, users }) => {
        let weighted = 0;
        let plain = 0;
        let counted = 0;
        let rows = 0;
        for (const user of new Set(users)) {
          const mine = users.flatMap((u, i) => (u === user ? [i] : []));
          const value = aucByPairs(
            mine.map((i) => scores[i]!),
            mine.map((i) => labels[i]!),
          );
          if (value === null) continue;
          weighted += value * mine.length;
          plain += value;
          counted++;
          rows += mine.length;
        }
        if (counted === 0) {
          expect(() => perUserAuc(scores, labels, users)).toThrow(NoMixedUserError);
          return;
        }
        const got = perUserAuc(scores, labels, users);
        expect(got.auc).toBeCloseTo(weighted / rows, 12);
        expect(got.meanAuc).toBeCloseTo(plain / counted, 12);
        expect(got).toMatchObject({ users: new Set(users).size, usersCounted: counted, rowsCounted: rows });
      }),
      settings,
    );
  });

  test("with a single user it is the global AUC", () => {
    fc.assert(
      fc.property(scoredRows, ({ scores, labels }) => {
        const got = perUserAuc(scores, labels, new Uint32Array(labels.length).fill(9));
        expect(got.auc).toBeCloseTo(auc(scores, labels), 12);
      }),
      settings,
    );
  });

  test("a number added to all of one user's scores changes nothing", () => {
    fc.assert(
      fc.property(scoredRows, fc.integer({ min: -100, max: 100 }), ({ labels, users }, shift) => {
        fc.pre(new Set(users.filter((_, i) => labels[i] === 1)).size > 0);
        const scores = Float64Array.from(users, (_, i) => (i * 7) % 5);
        const shifted = scores.map((s, i) => (users[i] === users[0] ? s + shift : s));
        const value = (s: Float64Array) => {
          try {
            return perUserAuc(s, labels, users).auc;
          } catch (error) {
            if (error instanceof NoMixedUserError) return "no mixed user";
            throw error;
          }
        };
        expect(value(shifted)).toBe(value(scores));
      }),
      settings,
    );
  });
});

describe("perUserAuc, examples", () => {
  test("users are weighted by their rows, one-class users left out and counted", () => {
    // user 0: 2 rows, AUC 1; user 1: 4 rows, AUC 0; user 2: clicks only
    const scores = Float32Array.of(1, 2, 9, 8, 7, 6, 5);
    const labels = [0, 1, 0, 0, 1, 1, 1];
    const users = [0, 0, 1, 1, 1, 1, 2];
    expect(perUserAuc(scores, labels, users)).toEqual({
      auc: 2 / 6,
      meanAuc: 0.5,
      users: 3,
      usersCounted: 2,
      rowsCounted: 6,
    });
  });

  test("bad users", () => {
    const scores = Float32Array.of(1, 2);
    expect(() => perUserAuc(scores, [0, 1], [0])).toThrow(LengthMismatchError);
    expect(() => perUserAuc(scores, [0, 1], [0, -1])).toThrow(BadUserError);
    expect(() => perUserAuc(scores, [0, 1], [0, 0.5])).toThrow("user at row 1 is 0.5");
    expect(() => perUserAuc(scores, [0, 1], [0, 1])).toThrow("none of the 2 users");
  });
});
