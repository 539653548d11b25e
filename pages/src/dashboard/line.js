// The line to the live counts: one WebSocket for all topics of a page. It says when it is silent, and comes back.
import { signal } from "@preact/signals";
import { retryAfterMs } from "../site/live.js";

export const STALE_AFTER_MS = 11_000; // the server sends a heartbeat every 5 s
const RETRY_FIRST_MS = 500;
const HIDDEN_MS = 30_000; // a tab that nobody sees goes quiet after this
const CHECK_MS = 1000;

/** @typedef {{topic: string, epoch: string, seq: number, at: string} & Record<string, any>} Message */

/** "connecting" until the first answer, "live", "stale" when the line is silent, "paused" in a hidden tab. */
export const state = signal("connecting");

/** @type {Map<string, Set<(message: Message) => void>>} */
const followers = new Map();
/** @type {Map<string, Message>} */
const newest = new Map();
/** @type {WebSocket | null} */
let socket = null;
let heardAt = 0;
let retryMs = RETRY_FIRST_MS;
let retryTimer = /** @type {any} */ (0);
let hiddenTimer = /** @type {any} */ (0);

/**
 * Return the message to show after another one of its topic: counts of all time and of a day do not fall, because an
 * answer of a process that is behind is no news.
 *
 * @param {Message | undefined} old @param {Message} message @returns {Message}
 */
export function merged(old, message) {
  if (!old || old.views === undefined || message.views === undefined) return message;
  if (message.views >= old.views || Date.parse(message.at) - Date.parse(old.at) > 60_000) return message;
  return { ...message, views: old.views, views_today: Math.max(old.views_today, message.views_today) };
}

/**
 * Follow a topic until the returned function is called. What is known already is given at once.
 *
 * @param {string} topic @param {(message: Message) => void} on @returns {() => void}
 */
export function follow(topic, on) {
  const group = followers.get(topic) ?? new Set();
  group.add(on);
  if (!followers.has(topic)) {
    followers.set(topic, group);
    send({ op: "subscribe", topics: [topic] });
  }
  const known = newest.get(topic);
  if (known) on(known);
  connect();
  return () => {
    group.delete(on);
    if (group.size) return;
    followers.delete(topic);
    newest.delete(topic);
    send({ op: "unsubscribe", topics: [topic] });
  };
}

/** @param {object} frame */
function send(frame) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function connect() {
  if (socket || retryTimer || document.hidden || !followers.size) return;
  const own = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live`);
  socket = own;
  heardAt = performance.now();
  own.onopen = () => send({ op: "subscribe", topics: [...followers.keys()] });
  own.onmessage = (event) => {
    if (socket !== own) return;
    heardAt = performance.now();
    retryMs = RETRY_FIRST_MS;
    state.value = "live";
    take(JSON.parse(event.data));
  };
  own.onclose = () => {
    if (socket === own) lost();
  };
}

/** @param {any} message */
function take(message) {
  if (message.error || !message.topic) return;
  const shown = merged(newest.get(message.topic), message);
  newest.set(message.topic, shown);
  for (const on of followers.get(message.topic) ?? []) on(shown);
}

function lost() {
  socket?.close();
  socket = null;
  if (document.hidden) {
    state.value = "paused";
    return;
  }
  state.value = state.value === "connecting" ? "connecting" : "stale";
  clearTimeout(retryTimer);
  retryTimer = setTimeout(
    () => {
      retryTimer = 0;
      connect();
    },
    retryAfterMs(retryMs, Math.random()),
  );
  retryMs *= 2;
}

/** Watch the line: a connection that died without closing looks like a quiet one. */
export function watchLine() {
  setInterval(() => {
    if (socket && performance.now() - heardAt > STALE_AFTER_MS) lost();
  }, CHECK_MS);
  addEventListener("online", () => {
    clearTimeout(retryTimer);
    retryTimer = 0;
    connect();
  });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(() => socket && lost(), HIDDEN_MS);
    else connect();
  });
}
