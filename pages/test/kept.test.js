import assert from "node:assert/strict";
import { test } from "node:test";
import { isSettled, keyOf, superfluous } from "../src/scripts/kept.js";

test("keys sort by time, and only ours are touched", () => {
  const keys = [keyOf(2_000_000_000_000, 0.5), keyOf(1_700_000_000_000, 0.9), keyOf(1_700_000_000_001, 0.1)];
  assert.deepEqual([...keys].sort(), [keys[1], keys[2], keys[0]]);
  assert.deepEqual([...keys, "vts", "theme"].map(keyOf.is), [true, true, true, false, false]);
});

test("beyond 500 requests the oldest go", () => {
  const keys = Array.from({ length: 503 }, (_, index) => keyOf(1_700_000_000_000 + index, 0.5));
  assert.deepEqual(superfluous([...keys].reverse().concat("theme"), null), keys.slice(0, 3));
  assert.deepEqual(superfluous(keys.slice(3), "#vts-count"), []);
});

test("nothing is kept of a visitor who is not counted", () => {
  const keys = [keyOf(1_700_000_000_000, 0.5), "vts", "theme"];
  assert.deepEqual(superfluous(keys, "#vts-ignore"), [keys[0]]);
});

test("only an answer that another try would not change ends a request", () => {
  assert.deepEqual([202, 200, 400, 404, 413].map(isSettled), [true, true, true, true, true]);
  assert.deepEqual([429, 408, 500, 502, 503].map(isSettled), [false, false, false, false, false]);
});
