// Where one is: the page, the range of days and what is compared, all of it in the address.
import { computed, signal } from "@preact/signals";

export const DAY_MS = 86_400_000;
export const RANGES = /** @type {const} */ ([
  ["today", "Today"],
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "12 months"],
  ["all", "All time"],
]);
const ALL_DAYS = 3660; // the longest range that a question takes
const USUAL = "30";

/** Return a day as questions take it. @param {number} ms */
const iso = (ms) => new Date(ms).toISOString().slice(0, 10);

/**
 * @typedef {object} Range Days are UTC days, both ends included.
 * @property {string} name one of RANGES, or "custom"
 * @property {string} from @property {string} to
 * @property {number} days
 */

/**
 * Read the range of an address. What cannot be read is the usual range.
 *
 * @param {URLSearchParams} params @param {number} nowMs @returns {Range}
 */
export function rangeOf(params, nowMs) {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const from = Date.parse(`${params.get("from")}T00:00Z`);
  const to = Date.parse(`${params.get("to")}T00:00Z`);
  if (from <= to && to <= today && (to - from) / DAY_MS < ALL_DAYS) {
    return { name: "custom", from: iso(from), to: iso(to), days: (to - from) / DAY_MS + 1 };
  }
  const asked = params.get("range") ?? USUAL;
  const name = RANGES.some(([one]) => one === asked) ? asked : USUAL;
  const days = name === "today" ? 1 : name === "all" ? ALL_DAYS : Number(name);
  return { name, from: iso(today - (days - 1) * DAY_MS), to: iso(today), days };
}

/**
 * Return the range of the same length before one; null where there is none before it.
 *
 * @param {Range} range @returns {{from: string, to: string} | null}
 */
export function before(range) {
  if (range.name === "all" || range.days * 2 > ALL_DAYS) return null;
  const first = Date.parse(`${range.from}T00:00Z`);
  return { from: iso(first - range.days * DAY_MS), to: iso(first - DAY_MS) };
}

/**
 * Read which value of a breakdown an address has picked.
 *
 * @param {URLSearchParams} params @returns {{text: string, name: string, value: string} | null}
 */
export function pickOf(params) {
  const text = params.get("pick") ?? "";
  const [, name, value] = /^([a-z_]+):(.{1,512})$/s.exec(text) ?? [];
  return name && value ? { text, name, value } : null;
}

/** @typedef {{page: string, id: string}} Route */

/** Return which page a path is: /content/blog:7 → {page: "content", id: "blog:7"}. @param {string} path @returns {Route} */
export function routeOf(path) {
  const [page = "", ...rest] = path.replace(/^\/+/, "").split("/");
  return { page: page || "overview", id: decodeURIComponent(rest.join("/")) };
}

export const address = signal(new URL(location.href));
export const route = computed(() => routeOf(address.value.pathname));
/** The minute, so that a page left open over midnight shows the new day. */
export const nowMs = signal(Date.now());
const today = computed(() => Math.floor(nowMs.value / DAY_MS) * DAY_MS);
export const range = computed(() => rangeOf(address.value.searchParams, today.value));
export const who = computed(() => (address.value.searchParams.get("who") === "authenticated" ? "_authenticated" : ""));
export const compared = computed(() =>
  address.value.searchParams.get("compare") === "1" ? before(range.value) : null,
);

/** The range as questions take it: a number of days ends today in the zone of the answer. */
export const asked = computed(() => {
  const { name, from, to, days } = range.value;
  return /** @type {Record<string, string>} */ (name === "custom" ? { from, to } : { days: `${days}` });
});
/** The value of a breakdown whose days are shown, like country:BR; null for none. */
export const pick = computed(() => pickOf(address.value.searchParams));

/** Show the days of a value; a second time takes it away. @param {string} name @param {string} value */
export const choose = (name, value) =>
  change({ pick: pick.value?.text === `${name}:${value}` ? null : `${name}:${value}` });

/** Go to a path of the dashboard; the range comes along. @param {string} path */
export function go(path) {
  const to = new URL(path, location.href);
  for (const name of ["range", "from", "to", "who", "compare"]) {
    const value = address.value.searchParams.get(name);
    if (value !== null && !to.searchParams.has(name)) to.searchParams.set(name, value);
  }
  move(to);
  scrollTo(0, 0);
}

/** Change parts of the address of this page; null takes one away. @param {Record<string, string | null>} parts */
export function change(parts) {
  const to = new URL(address.value);
  for (const [name, value] of Object.entries(parts)) {
    if (value === null) to.searchParams.delete(name);
    else to.searchParams.set(name, value);
  }
  move(to);
}

/** @param {URL} to */
function move(to) {
  if (to.href === address.value.href) return;
  history.pushState(null, "", to);
  address.value = to;
}

export function followHistory() {
  addEventListener("popstate", () => {
    address.value = new URL(location.href);
  });
  setInterval(() => {
    nowMs.value = Date.now();
  }, 60_000);
}
