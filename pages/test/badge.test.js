import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, batches, halves, nextAfterMs, textOf, uuid7 } from "../src/scripts/badge.js";

test("badges of one page ask together, each content once, at most 100 a request", () => {
  assert.deepEqual(batches(["1", "2", "1", ""]), [["1", "2"]]);
  const many = Array.from({ length: 250 }, (_, index) => `${index}`);
  assert.deepEqual(
    batches(many).map((part) => part.length),
    [100, 100, 50],
  );
  assert.equal(addressOf("https://vts.test/", ["1", "blog:a&b"]), "https://vts.test/api/counts?ref=1&ref=blog%3Aa%26b");
});

test("a request that is refused is asked in halves, down to one content", () => {
  assert.deepEqual(halves(["1", "2", "3"]), [["1"], ["2", "3"]]);
  assert.deepEqual(halves(["1", "2"]), [["1"], ["2"]]);
});

test("pages that were opened together ask again at different times around a minute", () => {
  assert.deepEqual([0, 0.5, 1].map(nextAfterMs), [54_000, 60_000, 66_000]);
});

test("a badge says its number in its language, and nothing without one", () => {
  assert.equal(textOf(1234, null, "en"), "1,234 views");
  assert.equal(textOf(1, null, "en"), "1 view");
  assert.equal(textOf(1234567, "Aufrufe", "de"), "1.234.567 Aufrufe");
  assert.equal(textOf(12, "", "not a language"), "12 ");
  assert.equal(textOf(null, null, "en"), "");
  assert.equal(textOf(undefined, null, "en"), "");
});

test("an event's id is a UUID of version 7 of its time", () => {
  const ids = new Set(Array.from({ length: 1000 }, () => uuid7(0x0192_0000_00ff)));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^01920000-00ff-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
