// Numbers, dates and names as the browser's locale writes them.

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const part = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const signed = new Intl.NumberFormat(undefined, {
  style: "percent",
  maximumFractionDigits: 0,
  signDisplay: "exceptZero",
});
const countries = new Intl.DisplayNames(undefined, { type: "region" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const longDay = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" });
const wholeDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const EXACT_BELOW = 10_000; // shorter forms begin where digits no longer help

/** Write a number with all of its digits. @param {number | null | undefined} n */
export const number = (n) => (n === null || n === undefined ? "–" : whole.format(n));

/** Write a number short: 12.3K. @param {number | null | undefined} n */
export const compact = (n) =>
  n === null || n === undefined ? "–" : Math.abs(n) < EXACT_BELOW ? whole.format(n) : short.format(n);

/** Write a share of a whole. @param {number} n @param {number} of */
export const share = (n, of) => (of ? part.format(n / of) : "–");

/** Write a rate that is a number from 0 to 1, or null. @param {number | null | undefined} rate */
export const percent = (rate) => (rate === null || rate === undefined ? "–" : part.format(rate));

/**
 * Write a change against a number before; null where there is none to compare with.
 *
 * @param {number} now @param {number} before
 */
export const change = (now, before) =>
  !before ? null : now / before >= 10 ? `×${short.format(now / before)}` : signed.format(now / before - 1);

/** Write seconds as 45 s, 3 min 20 s, 2 h 5 min. @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
  const minutes = Math.round((s % 3600) / 60);
  return minutes ? `${whole.format(Math.floor(s / 3600))} h ${minutes} min` : `${whole.format(Math.floor(s / 3600))} h`;
}

/** Write a day of an answer (YYYY-MM-DD). @param {string} text */
export const date = (text) => day.format(new Date(`${text}T00:00Z`));

/** Write such a day whole. @param {string} text */
export const wholeDate = (text) => longDay.format(new Date(`${text}T00:00Z`));

/** Write a time of day. @param {string | Date} at */
export const time = (at) => clock.format(new Date(at));

/** Write the day of a time. @param {string} at */
export const fullDate = (at) => wholeDay.format(new Date(at));

/** Write a day and time. @param {string | null | undefined} at */
export const when = (at) => (at ? moment.format(new Date(at)) : "–");

/** Write how long ago a time is. @param {string | null | undefined} at @param {number} nowMs */
export function ago(at, nowMs) {
  if (!at) return "never";
  const s = Math.max(0, (nowMs - Date.parse(at)) / 1000);
  if (s < 60) return "now";
  if (s < 5400) return `${Math.round(s / 60)} min ago`;
  if (s < 129_600) return `${Math.round(s / 3600)} h ago`;
  return `${whole.format(Math.round(s / 86_400))} days ago`;
}

/** Write a country by its code. @param {string} code */
export function country(code) {
  try {
    return /^[A-Z]{2}$/.test(code) ? (countries.of(code) ?? code) : code;
  } catch {
    return code;
  }
}

const WORDS = /** @type {Record<string, string>} */ ({
  by_user: "Artist's channel",
  api: "API",
  api_call: "API call",
  tv: "TV",
  ai: "AI",
  other: "Other",
});

/** Write a word of an enumeration: rate_limited → Rate limited. @param {string} name */
export const word = (name) => WORDS[name] ?? (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");

/** How many contents, and from when to when. @param {any} body */
export function aboutArtist({ total_posts: n, first_post_at: first, latest_post_at: latest }) {
  if (!n) return "No contents.";
  const made = first ? `, the first of ${fullDate(first)}, the latest of ${fullDate(latest)}` : "";
  return `${n === 1 ? "1 content" : `${compact(n)} contents`}${made}.`;
}
