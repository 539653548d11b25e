// The line to the live counts: one WebSocket for all topics of a page. It says when it is silent, and comes back.
import { signal } from "@preact/signals";
import { retryAfterMs } from "../site/live.js";

export const STALE_AFTER_MS = 11_000; // the server sends a heartbeat every 5 s
export const OPEN_WITHIN_MS = 5000; // a handshake that takes longer was sent into a line that died
const RETRY_FIRST_MS = 500;
const RETRY_SOON_MS = 1600; // at most, with chance 2.4 s: numbers are right again 3 s after the line is back
const SOON_MS = 60_000; // after this without a line the pauses grow further
const HIDDEN_MS = 30_000; // a tab that is not seen goes quiet after this
const CHECK_MS = 500;

/** @typedef {{topic: string, epoch: string, seq: number, at: string} & Record<string, any>} Message */

/** "connecting" until the first answer, "live", "stale" when the line is silent, "paused" in a hidden tab. */
export const state = signal("connecting");
/** Grows when the line is back: what was asked before may be old, or was never answered. */
export const returned = signal(0);

/** @type {Map<string, Set<(message: Message) => void>>} */
const followers = new Map();
/** @type {Map<string, Message>} */
const newest = new Map();
/** @type {WebSocket | null} */
let socket = null;
let heardAt = 0;
let lostAt = 0; // 0: not lost
let taken = 0;
let retryMs = RETRY_FIRST_MS;
let retryTimer = /** @type {any} */ (0);
let hiddenTimer = /** @type {any} */ (0);

/** @type {(() => Promise<string>) | null} */
let ticketOf = null;
let isAsking = false;

/** Open each line with a ticket: for a page without a session. @param {() => Promise<string>} ask */
export function withTickets(ask) {
  ticketOf = ask;
}

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
  if (socket || isAsking || retryTimer || document.hidden || !followers.size) return;
  if (!ticketOf) {
    open("");
    return;
  }
  isAsking = true;
  ticketOf().then(
    (ticket) => {
      isAsking = false;
      open(`?ticket=${encodeURIComponent(ticket)}`);
    },
    () => {
      isAsking = false;
      lost();
    },
  );
}

/** @param {string} query */
function open(query) {
  const own = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live${query}`);
  socket = own;
  heardAt = performance.now();
  own.onopen = () => send({ op: "subscribe", topics: [...followers.keys()] });
  own.onmessage = (event) => {
    if (socket !== own) return;
    heardAt = performance.now();
    retryMs = RETRY_FIRST_MS;
    state.value = "live";
    take(JSON.parse(event.data));
    if (lostAt) returned.value += 1;
    lostAt = 0;
  };
  own.onclose = () => {
    if (socket === own) lost();
  };
}

/** @param {any} message */
function take(message) {
  if (message.error || !message.topic) return;
  // The numbers of the server begin again with a line; those of a page do not, because a new one asks questions again.
  const shown = { ...merged(newest.get(message.topic), message), seq: ++taken };
  newest.set(message.topic, shown);
  for (const on of followers.get(message.topic) ?? []) on(shown);
}

function lost() {
  socket?.close();
  socket = null;
  lostAt ||= performance.now();
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
  if (performance.now() - lostAt < SOON_MS) retryMs = Math.min(retryMs, RETRY_SOON_MS);
}

/** Watch the line: a connection that died without closing looks like a quiet one. */
export function watchLine() {
  setInterval(() => {
    const limit = socket?.readyState === WebSocket.CONNECTING ? OPEN_WITHIN_MS : STALE_AFTER_MS;
    if (socket && performance.now() - heardAt > limit) lost();
  }, CHECK_MS);
  addEventListener("online", connectNow);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(() => socket && lost(), HIDDEN_MS);
    else connectNow();
  });
}

function connectNow() {
  clearTimeout(retryTimer);
  retryTimer = 0;
  connect();
}
