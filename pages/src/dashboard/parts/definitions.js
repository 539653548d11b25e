// What each number means, one tap away from where it stands.
import { html } from "../html.js";

export const MEANING = /** @type {Record<string, string>} */ ({
  views:
    "Every view that counted: on purpose, in lists, in searches and in widgets. Bots, the owner's own views and repeats are left out.",
  unique_viewers:
    "Different viewers of the whole range. A viewer is a signed-in user, a player, or an address and browser. Exact for up to about 1,500; beyond, 0.8 % off at most times.",
  viewers_now: "Different viewers of the last 5 minutes.",
  page_views: "Pages of the site that were opened, also by navigation without a load.",
  unique_visitors: "Different visitors of pages. Estimated beyond about 1,500, as unique viewers.",
  signups: "New users, as the host application reports them.",
  posts: "Uploads, as the host application reports them.",
  api_calls: "Calls of the host application's API, as it reports them.",
  errors: "Errors that the host application reports.",
  visits: "Page views of one visitor with at most 30 minutes between them. A visit ends at midnight UTC.",
  reactions: "Reactions that stand now, of all time.",
  comments: "Comments that stand now, of all time.",
  impressions: "Views in lists and galleries: the content was seen there, not opened.",
  conversion: "Of viewers who saw a content in this channel, the share that then opened it on the same day.",
  dwell: "Time between a player's view and its next one; a gap counts 15 minutes at most.",
  active_players: "Players that reported a view.",
  accepted: "Events that are durable. Each counts exactly once.",
});

/** @param {{name: string, children?: any}} props */
export function Term({ name, children }) {
  const text = MEANING[name];
  if (!text) return children;
  return html`<span class="term" tabindex="0" onMouseEnter=${place} onFocus=${place}>${children}<span class="meaning" role="note">${text}</span></span>`;
}

/** Put the meaning below its term, inside the window: what scrolls around the term would cut it. @param {Event} event */
function place(event) {
  const term = /** @type {HTMLElement} */ (event.currentTarget);
  const note = /** @type {HTMLElement} */ (term.querySelector(".meaning"));
  const { left, bottom } = term.getBoundingClientRect();
  note.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - note.offsetWidth - 8))}px`;
  note.style.top = `${bottom + 4}px`;
}
