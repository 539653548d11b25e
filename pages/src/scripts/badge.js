// What the badge computes.

const REFRESH_MS = 60_000;
const IDS_MAX = 100; // of one request

/** Return the ids of a page's badges, each once, in parts of one request. @param {string[]} ids */
export function batches(ids) {
  const once = [...new Set(ids)].filter(Boolean);
  const parts = [];
  while (once.length) parts.push(once.splice(0, IDS_MAX));
  return parts;
}

/** Return the two halves of a request. @param {string[]} ids */
export const halves = (ids) => [ids.slice(0, ids.length >> 1), ids.slice(ids.length >> 1)];

/** Return where the counts of contents are. @param {string} base @param {string[]} ids */
export const addressOf = (base, ids) =>
  `${base}api/counts?${ids.map((id) => `ref=${encodeURIComponent(id)}`).join("&")}`;

/** Return when to ask again: pages that were opened together ask at different times. @param {number} chance 0 to 1 */
export const nextAfterMs = (chance) => REFRESH_MS * (0.9 + 0.2 * chance);

/**
 * Return the text of a badge: the number as its language writes it, and what it is. Empty before and without a number.
 *
 * @param {number | null | undefined} views @param {string | null} label @param {string} language
 */
export function textOf(views, label, language) {
  if (views === undefined || views === null) return "";
  return `${numberOf(views, language)} ${label ?? (views === 1 ? "view" : "views")}`;
}

/** @param {number} views @param {string} language */
function numberOf(views, language) {
  try {
    return views.toLocaleString(language);
  } catch {
    return views.toLocaleString(); // the page's language is none
  }
}

/** Return a UUID of version 7. @param {number} ms */
export function uuid7(ms) {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  const random = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const digits = ms.toString(16).padStart(12, "0");
  const variant = ((bytes[2] & 3) | 8).toString(16);
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(5, 8)}-${random.slice(8, 20)}`;
}
