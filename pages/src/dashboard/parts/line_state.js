// Whether the numbers on the page are live.
import { html } from "../html.js";

const LINE = /** @type {Record<string, [string, string]>} */ ({
  connecting: ["Connecting", "The line to VTS is being opened."],
  live: ["Live", "Numbers move when a view is committed."],
  stale: ["Stale", "The line to VTS is silent: numbers may be old. It is opened again by itself."],
  paused: ["Paused", "The tab was hidden."],
});

/** @param {{state: string}} props */
export function LineState({ state }) {
  const [word, meaning] = LINE[state];
  return html`<span class=${`line ${state}`} role="status" title=${meaning}><i aria-hidden="true"></i>${word}</span>`;
}
