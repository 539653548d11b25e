// The page of a share link: the numbers are there without this script, which keeps two of them live. The secret is in
// the page's path; it is sent in a header, and a ticket stands for it on the WebSocket.
import { retryAfterMs } from "./live.js";

const RETRY_FIRST_MS = 500;
const state = /** @type {HTMLElement} */ (document.getElementById("state"));
const secret = location.pathname.split("/")[2] ?? "";

let retryMs = RETRY_FIRST_MS;

async function follow() {
  const answer = await fetch("/api/share/ticket", {
    method: "POST",
    credentials: "omit",
    headers: { "X-VTS-Share": secret },
  }).catch(() => undefined);
  if (answer?.status === 404) {
    state.textContent = "this link has ended";
    return;
  }
  if (!answer?.ok) {
    again();
    return;
  }
  const { ticket, topic } = await answer.json();
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live?ticket=${ticket}`);
  socket.onopen = () => {
    socket.send(JSON.stringify({ op: "subscribe", topics: [topic] }));
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.error) {
      state.textContent = message.error;
      return;
    }
    retryMs = RETRY_FIRST_MS;
    state.textContent = "live";
    for (const name of ["views", "viewers_now"]) {
      const shown = document.getElementById(name);
      if (shown) shown.textContent = message[name].toLocaleString();
    }
  };
  socket.onclose = again;
}

function again() {
  state.textContent = "reconnecting";
  setTimeout(follow, retryAfterMs(retryMs, Math.random()));
  retryMs *= 2;
}

follow();
