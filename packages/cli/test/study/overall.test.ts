// The line that says how far a study is: the time left is a guess, and reads like one.
import { expect, test } from "bun:test";
import { overallText } from "../../src/study/view.ts";

const left = (secondsLeft: number | undefined) => overallText({ done: 3, total: 12, failed: 0, secondsLeft });

test("time left is in whole seconds, as long as nothing longer says it", () => {
  expect(left(8.2)).toBe("3 of 12 trainings, about 9 s left");
  expect(left(66.3)).toBe("3 of 12 trainings, about 1m 07s left");
  expect(left(undefined)).toBe("3 of 12 trainings, time left not known yet");
});
