// The badge: <vts-views post-id="42"></vts-views> shows the public count of a content. All badges of a page ask together,
// once a minute and only while the page is visible and one of them is in the window.
import { addressOf, batches, halves, nextAfterMs, textOf, uuid7 } from "./badge.js";

const script = /** @type {HTMLScriptElement} */ (document.currentScript);
const base = `${new URL(script.dataset.api || ".", script.src)}`;

// Constructed sheets are no inline styles: a strict policy of the page allows them.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: inline-block }
  :host([theme=light]) { color-scheme: light }
  :host([theme=dark]) { color-scheme: dark }
  span { display: inline-block; padding: 0 .7em; border: 1px solid var(--vts-border, light-dark(#d5dae3, #3a4456));
    border-radius: 1em; font: 500 .8125rem/1.6 system-ui, sans-serif; font-variant-numeric: tabular-nums;
    color: var(--vts-color, light-dark(#1c2330, #e7ebf3)); background: var(--vts-background, light-dark(#f2f4f8, #1d2430)) }
  span:empty { display: none }
`);

/** @type {Set<Badge>} */
const badges = new Set();
/** @type {Set<Badge>} */
const visible = new Set();
/** Ids that VTS could not read: they are not asked again. @type {Set<string>} */
const unreadable = new Set();
let dueMs = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

const inWindow = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const badge = /** @type {Badge} */ (target);
    if (isIntersecting) visible.add(badge);
    else visible.delete(badge);
    if (isIntersecting) badge.seen();
  }
  plan();
});

class Badge extends HTMLElement {
  static observedAttributes = ["post-id", "label", "lang"];
  #text = document.createElement("span");
  /** @type {number | null | undefined} */
  #views;
  /** @type {string | null} */
  #counted = null;

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.#text);
  }

  connectedCallback() {
    badges.add(this);
    inWindow.observe(this);
  }

  disconnectedCallback() {
    badges.delete(this);
    visible.delete(this);
    inWindow.unobserve(this);
  }

  /** @param {string} name @param {string | null} before */
  attributeChangedCallback(name, before) {
    if (name === "post-id" && before !== null) {
      this.views = undefined;
      if (visible.has(this)) this.seen();
      dueMs = 0;
      plan();
    } else this.#draw();
  }

  /** @returns {string} */
  get postId() {
    return this.getAttribute("post-id") ?? "";
  }

  /** What is shown; null for a content without a public count. @param {number | null | undefined} views */
  set views(views) {
    this.#views = views;
    this.#draw();
  }

  /** Count the view of this badge, once for each content that it shows. */
  seen() {
    if (this.hasAttribute("uncounted") || !this.postId || this.#counted === this.postId || isIgnored()) return;
    this.#counted = this.postId;
    const event = { event_id: uuid7(Date.now()), post_id: this.postId, view_type: "widget", source: "widget" };
    const body = JSON.stringify(event);
    navigator.sendBeacon?.(`${base}api/view`, body) ||
      fetch(`${base}api/view`, { method: "POST", body, keepalive: true }).catch(() => {});
  }

  #draw() {
    const language = this.closest("[lang]")?.getAttribute("lang") || navigator.language;
    this.#text.textContent = textOf(this.#views, this.getAttribute("label"), language);
  }
}

/** Whether the visitor asked not to be counted (see vts.js). */
function isIgnored() {
  try {
    return localStorage.vts === "#vts-ignore";
  } catch {
    return false;
  }
}

/** Ask now if it is time and the answer can be seen, else when it is. */
function plan() {
  clearTimeout(timer);
  if (document.hidden || !visible.size) return;
  timer = setTimeout(refresh, Math.max(0, dueMs - Date.now()));
}

async function refresh() {
  dueMs = Date.now() + nextAfterMs(Math.random());
  await Promise.all(batches([...badges].map((badge) => badge.postId).filter((id) => !unreadable.has(id))).map(ask));
  plan();
}

/**
 * Show the counts of contents. One id that VTS cannot read refuses the whole request, so its halves are asked.
 *
 * @param {string[]} ids @returns {Promise<void>}
 */
async function ask(ids) {
  try {
    const answer = await fetch(addressOf(base, ids), { credentials: "omit", cache: "no-cache" });
    if (answer.status === 400 && ids.length === 1) unreadable.add(ids[0]);
    else if (answer.status === 400) await Promise.all(halves(ids).map(ask));
    if (!answer.ok) return; // what is shown stays
    const { counts } = await answer.json();
    ids.forEach((id, index) => {
      for (const badge of badges) if (badge.postId === id) badge.views = counts[index].views;
    });
  } catch {
    // no connection: the next time
  }
}

document.addEventListener("visibilitychange", plan);
if (!customElements.get("vts-views")) customElements.define("vts-views", Badge);
