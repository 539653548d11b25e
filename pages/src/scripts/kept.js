// Which requests stay in the browser's storage: under which key, how many, and until which answer.

const PREFIX = "vts:";
const KEPT = 500; // requests; with the longest batches some 5 MB, which is what browsers give a site

/** Return the key of a request: in the order of the times. @param {number} ms @param {number} chance */
export const keyOf = (ms, chance) => `${PREFIX}${ms.toString(36).padStart(9, "0")}${chance.toString(36).slice(2)}`;
keyOf.is = (/** @type {string} */ key) => key.startsWith(PREFIX);

/**
 * Return the keys of requests that are not kept: the oldest beyond the bound, and all of a visitor who is not counted.
 *
 * @param {string[]} keys @param {string | null} wish
 */
export const superfluous = (keys, wish) => {
  const kept = keys.filter(keyOf.is).sort();
  return wish === "#vts-ignore" ? kept : kept.slice(0, Math.max(0, kept.length - KEPT));
};

/** Whether an answer says that sending the same again changes nothing. @param {number} status */
export const isSettled = (status) => status < 500 && status !== 429 && status !== 408;
