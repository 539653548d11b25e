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
  visits:
    "Page views of one visitor with at most 30 minutes between them. A visit ends at midnight UTC. Known for the days of which page views are kept raw.",
  pages_per_visit: "Page views of visits, divided by the visits.",
  seconds_per_visit: "From a visit's first page view to its last one, on average: a visit of one page has 0 s.",
  bounce_rate: "Share of visits with one page view only.",
  reactions: "Reactions that stand now, of all time.",
  comments: "Comments that stand now, of all time.",
  impressions: "Views in lists and galleries: the content was seen there, not opened.",
  registered: "Players that the host application has registered.",
  not_counted: "Events that were refused, with a reason for each. Duplicates are among them: they had counted already.",
  journal: "Events that are durable on this machine and not in the database yet.",
  behind: "How old the oldest event in the journal is that is not in the database yet.",
  live_clients: "Open live connections of dashboards and programs to this process.",
  dead_letters: "Events that the database refused for good. They are kept: docs/operations.md says what to do.",
  restarts: "How often a part of this process was started again after a fault.",
  days_waiting: "Days whose raw views wait to be added up once more.",
  conversion: "Of viewers who saw a content in this channel, the share that then opened it on the same day.",
  dwell: "Time between a player's view and its next one; a gap counts 15 minutes at most.",
  active_players: "Players that reported a view.",
  accepted: "Events that are durable. Each counts exactly once.",
});

/** @param {{name: string, more?: string, children?: any}} props */
export function Term({ name, more, children }) {
  const text = [MEANING[name], more].filter(Boolean).join(" ");
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
