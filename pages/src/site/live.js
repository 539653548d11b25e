// What the live table computes.

const RETRY_LAST_MS = 15000;

/**
 * @typedef {object} Row A content of the topic `top`.
 * @property {number | string} post_id
 * @property {string} [title]
 * @property {number} [views]
 * @property {number} [views_today]
 * @property {number} [unique_viewers_today]
 * @property {number} [viewers_now]
 */

/** Return how a content is called. @param {Row} row */
export const nameOf = (row) => row.title || (/^\d+$/.test(`${row.post_id}`) ? `post ${row.post_id}` : `${row.post_id}`);

/**
 * Return when to connect again: half to one and a half of the pause, so that pages do not come back at the same time.
 *
 * @param {number} pauseMs @param {number} chance from 0 to 1
 */
export const retryAfterMs = (pauseMs, chance) => Math.min(pauseMs, RETRY_LAST_MS) * (0.5 + chance);
