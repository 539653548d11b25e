// The last events of this process and what became of each, as the server tells them while a page reads.
import { signal } from "@preact/signals";

const KEPT = 300;
let count = 0;
let readers = 0;
/** @type {EventSource | null} */
let source = null;

/** The newest first. @type {import("@preact/signals").Signal<any[]>} */
export const decided = signal([]);
export const missed = signal(0);

/** Read until the returned function is called. */
export function watchDecided() {
  readers += 1;
  if (!source) {
    source = new EventSource("/api/admin/outcomes/live");
    source.onopen = () => {
      decided.value = []; // what the server has kept comes again
    };
    source.onmessage = (event) => {
      const piece = JSON.parse(event.data);
      missed.value += piece.missed;
      if (!piece.events.length) return;
      const found = piece.events.map((/** @type {any} */ one) => ({ ...one, key: ++count })).reverse();
      decided.value = [...found, ...decided.value].slice(0, KEPT);
    };
  }
  return () => {
    readers -= 1;
    if (readers === 0) {
      source?.close();
      source = null;
      decided.value = [];
    }
  };
}
