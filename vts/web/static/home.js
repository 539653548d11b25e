// Follows the topic `top`: one message holds the whole table, so a missed one costs nothing.
"use strict";

const table = document.getElementById("top");
const state = document.getElementById("state");
document.getElementById("origin").textContent = location.origin;

const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 15000;
let retryMs = RETRY_FIRST_MS;
let shown = new Map();

function cell(text, numeric) {
  const td = document.createElement("td");
  td.textContent = numeric ? Number(text).toLocaleString() : text;
  if (numeric) td.className = "n";
  return td;
}

function draw(rows) {
  if (!rows.length) return;
  const next = new Map();
  table.replaceChildren(...rows.map((row) => {
    const tr = document.createElement("tr");
    const name = row.title || (/^\d+$/.test(row.post_id) ? `post ${row.post_id}` : row.post_id);
    tr.append(cell(name), ...["views_today", "unique_viewers_today", "viewers_now", "views"].map((k) => cell(row[k] ?? 0, true)));
    if (shown.has(row.post_id) && shown.get(row.post_id) !== row.views_today) tr.className = "moved";
    next.set(row.post_id, row.views_today);
    return tr;
  }));
  shown = next;
}

function follow() {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/live");
  socket.onopen = () => {
    retryMs = RETRY_FIRST_MS;
    state.textContent = "live";
    socket.send(JSON.stringify({ op: "subscribe", topics: ["top"] }));
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.error) state.textContent = message.error;
    else if (message.topic === "top") draw(message.posts || []);
  };
  socket.onclose = () => {
    state.textContent = "reconnecting";
    setTimeout(follow, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
  };
}

follow();
