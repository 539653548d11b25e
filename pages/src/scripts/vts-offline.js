// What vts.js could not send is kept in the browser's storage until VTS has answered, and sent again with the next page.
// Each request has a key of its own, so pages that are open at the same time do not overwrite each other's; a request
// that two of them send counts once, because its events have ids.
import { isSettled, keyOf, superfluous } from "./kept.js";

/** Return what is kept; an entry that cannot be read goes. @param {string} key @returns {[string, string]} */
const read = (key) => {
  try {
    return JSON.parse(localStorage[key]);
  } catch (fault) {
    localStorage.removeItem(key);
    throw fault;
  }
};

/** @param {string} key @param {boolean} keepalive */
const post = async (key, keepalive) => {
  const [url, body] = read(key);
  const answer = await fetch(url, { method: "POST", body, keepalive });
  if (!isSettled(answer.status)) throw new Error();
  localStorage.removeItem(key);
};

let isSending = false;

/** Send what is kept, in order, until one fails. */
const again = async () => {
  if (isSending) return;
  isSending = true;
  try {
    for (const key of superfluous(Object.keys(localStorage), localStorage.getItem("vts"))) localStorage.removeItem(key);
    for (const key of Object.keys(localStorage).filter(keyOf.is).sort()) if (localStorage[key]) await post(key, false);
  } catch {
    // It stays: for the next page, or until the connection is back.
  }
  isSending = false;
};

/**
 * Keep a request and send it; return whether it could be kept.
 *
 * @param {string} url @param {string} body
 */
export const keep = (url, body) => {
  try {
    const key = keyOf(Date.now(), Math.random());
    localStorage[key] = JSON.stringify([url, body]);
    post(key, true).then(again, () => {});
    return true;
  } catch {
    return false; // storage is full or blocked
  }
};

addEventListener("online", again);
again();
