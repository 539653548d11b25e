import assert from "node:assert/strict";
import { test } from "node:test";

// The modules of the dashboard read where they are when they are loaded.
Object.assign(globalThis, { location: new URL("http://vts.test/"), addEventListener: () => {} });
const { before, pickOf, rangeOf, routeOf } = await import("../src/dashboard/place.js");
const { aboutArtist, change, compact, country, duration, percent, share, word } = await import(
  "../src/dashboard/format.js"
);
const { merged } = await import("../src/dashboard/line.js");
const { weekOf } = await import("../src/dashboard/parts/heatmap.js");
const { step } = await import("../src/dashboard/parts/map.js");
const { readMetrics, sum } = await import("../src/dashboard/metrics.js");
const { PATHS } = await import("../src/dashboard/world.js");

const NOON = Date.UTC(2026, 2, 1, 12);
/** @param {string} query */
const asked = (query) => rangeOf(new URLSearchParams(query), NOON);

test("a range is so many UTC days, today included", () => {
  assert.deepEqual(asked(""), { name: "30", from: "2026-01-31", to: "2026-03-01", days: 30 });
  assert.deepEqual(asked("range=today"), { name: "today", from: "2026-03-01", to: "2026-03-01", days: 1 });
  assert.equal(asked("range=all").from, "2016-02-23");
  assert.deepEqual(asked("from=2026-02-27&to=2026-03-01"), {
    name: "custom",
    from: "2026-02-27",
    to: "2026-03-01",
    days: 3,
  });
});

test("an address that cannot be read shows the usual range", () => {
  for (const query of [
    "range=never",
    "from=2026-03-02&to=2026-03-01",
    "from=2026-01-01&to=2027-01-01",
    "from=x&to=y",
  ]) {
    assert.equal(asked(query).name, "30", query);
  }
});

test("what is compared are the days before, of the same number", () => {
  assert.deepEqual(before(asked("range=7")), { from: "2026-02-16", to: "2026-02-22" });
  assert.equal(before(asked("range=all")), null);
});

test("a value of a breakdown is picked by the address", () => {
  const picked = (/** @type {string} */ query) => pickOf(new URLSearchParams(query));
  assert.deepEqual(picked("pick=country:BR"), { text: "country:BR", name: "country", value: "BR" });
  assert.equal(picked("pick=referrer:a.example:8080")?.value, "a.example:8080");
  for (const query of ["", "pick=", "pick=country", "pick=country:", "pick=<b>:x"])
    assert.equal(picked(query), null, query);
});

test("an artist's contents are told in words", () => {
  const at = "2026-03-01T12:00:00Z";
  assert.equal(aboutArtist({ total_posts: 0, first_post_at: null, latest_post_at: null }), "No contents.");
  assert.equal(
    aboutArtist({ total_posts: 2, first_post_at: at, latest_post_at: at }),
    "2 contents, the first of Mar 1, 2026, the latest of Mar 1, 2026.",
  );
});

test("the hours of a week stand in rows of days, for all and for signed-in viewers", () => {
  const cells = [{ weekday: 6, hour: 23, views: 5, views_authenticated: 2 }];
  assert.equal(weekOf(cells, "")[6][23], 5);
  assert.equal(weekOf(cells, "_authenticated")[6][23], 2);
  assert.deepEqual([weekOf(cells, "").length, weekOf(cells, "")[0].length], [7, 24]);
});

test("a path names a page and what it is about", () => {
  assert.deepEqual(routeOf("/"), { page: "overview", id: "" });
  assert.deepEqual(routeOf("/content/blog%3A7"), { page: "content", id: "blog:7" });
  assert.deepEqual(routeOf("/artist/a%2Fb"), { page: "artist", id: "a/b" });
});

test("numbers are short where digits no longer help", () => {
  assert.equal(compact(9_999), "9,999");
  assert.equal(compact(12_345), "12.3K");
  assert.equal(compact(null), "–");
  assert.equal(share(1, 8), "12.5%");
  assert.equal(share(1, 0), "–");
  assert.equal(percent(null), "–");
  assert.equal(change(15, 10), "+50%");
  assert.equal(change(170, 1), "×170");
  assert.equal(change(1, 0), null);
  assert.equal(duration(200), "3 min 20 s");
  assert.equal(duration(7_500), "2 h 5 min");
});

test("words of the API are written for people", () => {
  assert.equal(word("rate_limited"), "Rate limited");
  assert.equal(word("tv"), "TV");
  assert.equal(country("BR"), "Brazil");
  assert.equal(country("<b>"), "<b>");
});

test("counts do not fall when an answer of a process that is behind comes", () => {
  const at = "2026-03-01T12:00:00Z";
  const old = { topic: "post:1", epoch: "a", seq: 4, at, views: 10, views_today: 5, viewers_now: 2 };
  const late = { ...old, epoch: "b", seq: 1, views: 9, views_today: 4, viewers_now: 1 };
  assert.deepEqual(merged(old, late), { ...late, views: 10, views_today: 5 });
  assert.equal(merged(old, { ...late, views: 11 }).views, 11);
  const corrected = { ...late, at: "2026-03-01T12:05:00Z" };
  assert.equal(merged(old, corrected).views, 9, "an erased or corrected number is shown once it is no late answer");
});

test("a map's colours tell small countries from empty ones", () => {
  assert.deepEqual([step(0, 100), step(1, 1000), step(1000, 1000), step(1, 1)], [0, 1, 5, 5]);
  assert.equal(Object.keys(PATHS).length, 235);
});

test("metrics are read as Prometheus reads them", () => {
  const text =
    '# HELP x y\nvts_a_total{source="web",outcome="accepted"} 3.0\nvts_a_total{source="web",outcome="bot"} 2\nvts_b 1e-3\n';
  const values = readMetrics(text);
  assert.equal(sum(values, "vts_a_total"), 5);
  assert.equal(sum(values, "vts_a_total", /outcome="bot"/), 2);
  assert.equal(values.get("vts_b"), 0.001);
});
