// The dashboard: which page an address is, what stands around every page, and links that do not load.
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Fault, shared } from "./ask.js";
import { word } from "./format.js";
import { html } from "./html.js";
import { state, watchLine } from "./line.js";
import { LineState } from "./parts/line_state.js";
import { Failed } from "./parts/states.js";
import { address, followHistory, go, route } from "./place.js";
import { Artist } from "./views/artist.js";
import { Channels } from "./views/channels.js";
import { Content } from "./views/content.js";
import { Now } from "./views/now.js";
import { Operations } from "./views/operations.js";
import { Outcomes } from "./views/outcomes.js";
import { Overview } from "./views/overview.js";
import { Players } from "./views/players.js";

/** Nothing for a page that is signed out. @typedef {{user: string | null, roles: string[], reads_everything: boolean, form: string} | Record<string, any>} Me */
const root = /** @type {HTMLElement} */ (document.getElementById("dashboard"));
/** @type {Me} */
const me = JSON.parse(root.dataset.me ?? "{}");

/** page → [title, component, whether it stands in the navigation] */
const PAGES = /** @type {Record<string, [string, any, boolean]>} */ ({
  overview: ["Overview", Overview, true],
  now: ["Now", Now, true],
  players: ["Players", Players, true],
  channels: ["Channels", Channels, true],
  "not-counted": ["Why not counted", Outcomes, true],
  operations: ["Operations", Operations, true],
  content: ["Content", Content, false],
  artist: ["Artist", Artist, false],
});
function App() {
  const { page, id } = route.value;
  const found = PAGES[page];
  const title = found ? found[0] : "Not found";
  document.title = `${id || title} – VTS`;
  const refused = refusal(found);
  const had = useRef(`${page} ${id}`);
  useEffect(() => {
    const main = document.getElementById("page");
    // The link that led here has gone with its page: the keyboard goes on in the new one.
    if (had.current !== `${page} ${id}` && document.activeElement === document.body)
      main?.focus({ preventScroll: true });
    had.current = `${page} ${id}`;
  }, [page, id]);
  const pages = Object.entries(PAGES).filter(([, [, , listed]]) => listed && me.reads_everything);
  return html`<a class="skip" href="#page">To the page</a>
    <header class="top">
      <a class="brand" href="/">VTS</a>
      <nav aria-label="Pages">
        ${pages.map(([name, [label]]) => html`<a key=${name} href=${name === "overview" ? "/" : `/${name}`} aria-current=${page === name ? "page" : undefined}>${label}</a>`)}
        ${me.user && html`<a href=${`/artist/${encodeURIComponent(me.user)}`} aria-current=${page === "artist" && id === me.user ? "page" : undefined}>My contents</a>`}
      </nav>
      <${Find} />
      <${LineState} state=${state.value} />
      <${Account} />
    </header>
    <main id="page" tabindex="-1">${refused ? html`<h1 class="unseen">${title}</h1><${Failed} fault=${new Fault(refused, "")} />` : found ? html`<${found[1]} key=${`${page} ${id}`} />` : html`<p class="failed"><strong>There is no such page.</strong> <a href="/">To the overview</a></p>`}</main>
    <footer class="quiet"><a href="/docs">API</a></footer>`;
}

/**
 * Return the status with which the questions of a page would be refused; 0 where the API decides.
 *
 * @param {[string, any, boolean] | undefined} page
 */
function refusal(page) {
  if (!me.roles) return shared.secret ? 0 : 401;
  return page?.[2] && !me.reads_everything ? 403 : 0;
}

/** Who is signed in, and the way out. */
function Account() {
  if (!me.roles) return html`<a href="/login">Sign in</a>`;
  const out = (/** @type {string} */ path, /** @type {string} */ label) =>
    html`<form method="post" action=${path}><input type="hidden" name="form" value=${me.form} /><button>${label}</button></form>`;
  return html`<details class="files account"><summary>${me.user ?? word(me.roles[0] ?? "account")}</summary>
    <div><span class="quiet">${me.roles.map(word).join(", ")}</span>${out("/logout", "Sign out")}${out("/logout?everywhere=1", "Sign out everywhere")}</div>
  </details>`;
}

/** Goes to the page of a content by its id. */
function Find() {
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const id = `${new FormData(form).get("id")}`.trim();
    if (id) go(`/content/${encodeURIComponent(id).replaceAll("%3A", ":")}`);
    form.reset();
  };
  return html`<form class="find" role="search" onSubmit=${submit}><input type="search" name="id" placeholder="Content id" aria-label="Content id, like 42 or blog:7" /></form>`;
}

/** Links of the dashboard change the page without a load. @param {MouseEvent} event */
function onClick(event) {
  const link = /** @type {Element} */ (event.target).closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey)
    return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || link.hasAttribute("download") || link.target || to.hash) return;
  const { page } = { page: to.pathname.split("/")[1] || "overview" };
  if (!PAGES[page]) return;
  event.preventDefault();
  go(to.pathname + to.search);
}

document.addEventListener("click", onClick);
if (location.pathname === "/" && me.user && !me.reads_everything) {
  history.replaceState(null, "", `/artist/${encodeURIComponent(me.user)}${location.search}`);
  address.value = new URL(location.href);
}
followHistory();
watchLine();
root.replaceChildren();
render(html`<${App} />`, root);
