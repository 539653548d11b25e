import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf, retryAfterMs } from "../src/site/live.js";

test("a content is called by its title, else by what others call it", () => {
  assert.equal(nameOf({ post_id: 7, title: "Tide" }), "Tide");
  assert.equal(nameOf({ post_id: 7 }), "post 7");
  assert.equal(nameOf({ post_id: "9007199254740993" }), "post 9007199254740993");
  assert.equal(nameOf({ post_id: "blog:1030" }), "blog:1030");
});

test("pages connect again at different times, and at the latest after 22.5 s", () => {
  assert.deepEqual([retryAfterMs(500, 0), retryAfterMs(500, 0.5), retryAfterMs(64_000, 1)], [250, 500, 22_500]);
});
