// The first page: the most viewed contents of today, live. One message holds the whole table, so a missed one costs
// nothing.
import { signal } from "@preact/signals";
import htm from "htm";
import { h, render } from "preact";
import { nameOf, retryAfterMs } from "./live.js";

const html = htm.bind(h);
const RETRY_FIRST_MS = 500;
const COLUMNS = /** @type {const} */ (["views_today", "unique_viewers_today", "viewers_now", "views"]);

/** @type {import("@preact/signals").Signal<import("./live.js").Row[]>} */
const rows = signal([]);
/** @type {Map<string | number, number | undefined>} */
let shown = new Map();
const state = /** @type {HTMLElement} */ (document.getElementById("state"));

/** @param {{row: import("./live.js").Row}} props */
function Row({ row }) {
  const moved = shown.has(row.post_id) && shown.get(row.post_id) !== row.views_today;
  return html`<tr class=${moved ? "moved" : ""}>
    <td>${nameOf(row)}</td>
    ${COLUMNS.map((column) => html`<td class="n">${(row[column] ?? 0).toLocaleString()}</td>`)}
  </tr>`;
}

function Rows() {
  const drawn = rows.value.map((row) => html`<${Row} key=${row.post_id} row=${row} />`);
  queueMicrotask(() => {
    shown = new Map(rows.value.map((row) => [row.post_id, row.views_today]));
  });
  return drawn;
}

let retryMs = RETRY_FIRST_MS;

function follow() {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live`);
  socket.onopen = () => {
    retryMs = RETRY_FIRST_MS;
    state.textContent = "live";
    socket.send(JSON.stringify({ op: "subscribe", topics: ["top"] }));
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.error) state.textContent = message.error;
    else if (message.topic === "top" && message.posts?.length) show(message.posts);
  };
  socket.onclose = () => {
    state.textContent = "reconnecting";
    setTimeout(follow, retryAfterMs(retryMs, Math.random()));
    retryMs *= 2;
  };
}

const table = /** @type {HTMLElement} */ (document.getElementById("top"));

/** @param {import("./live.js").Row[]} posts */
function show(posts) {
  if (!rows.value.length) {
    table.replaceChildren(); // the line that says that there are no views
    rows.value = posts;
    render(html`<${Rows} />`, table);
  } else rows.value = posts;
}

/** @type {HTMLElement} */ (document.getElementById("origin")).textContent = location.origin;
follow();
