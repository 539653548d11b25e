// The last events of this process and what became of each, as the server tells them while a page reads.
import { signal } from "@preact/signals";
import { returned } from "../line.js";

const KEPT = 300;
const SILENT_MS = 12_000; // the server sends a piece at least every 5 s
let count = 0;
let readers = 0;
let heardAt = 0;
/** @type {EventSource | null} */
let source = null;

/** The newest first. @type {import("@preact/signals").Signal<any[]>} */
export const decided = signal([]);
export const missed = signal(0);

function open() {
  heardAt = performance.now();
  source = new EventSource("/api/admin/outcomes/live");
  source.onopen = () => {
    decided.value = []; // what the server has kept comes again
  };
  source.onmessage = (event) => {
    heardAt = performance.now();
    const piece = JSON.parse(event.data);
    missed.value += piece.missed;
    if (!piece.events.length) return;
    const found = piece.events.map((/** @type {any} */ one) => ({ ...one, key: ++count })).reverse();
    decided.value = [...found, ...decided.value].slice(0, KEPT);
  };
}

// An event source does not tell that its line died without closing, and gives up when it is refused once.
returned.subscribe(openAgain);
setInterval(() => {
  if (!document.hidden && performance.now() - heardAt > SILENT_MS) openAgain();
}, 1000);

function openAgain() {
  if (!source) return;
  source.close();
  open();
}

/** Read until the returned function is called. */
export function watchDecided() {
  readers += 1;
  if (!source) open();
  return () => {
    readers -= 1;
    if (readers === 0) {
      source?.close();
      source = null;
      decided.value = [];
    }
  };
}
