// Links that show one content's or artist's statistics to people without an account: made, listed and revoked.
import { useEffect, useState } from "preact/hooks";
import { ask, Fault } from "../ask.js";
import { when } from "../format.js";
import { html } from "../html.js";

const DAYS = [7, 30, 90, 365];

/** @param {{subject: {post_id: string | number} | {user_id: string | number}}} props */
export function Share({ subject }) {
  const [isOpen, open] = useState(false);
  return html`<details class="files share" onToggle=${(/** @type {any} */ event) => open(event.currentTarget.open)}>
    <summary>Share</summary>${isOpen && html`<${Links} subject=${subject} />`}
  </details>`;
}

/** @param {{subject: Record<string, string | number>}} props */
function Links({ subject }) {
  const [links, set] = useState(/** @type {any[] | null} */ (null));
  const [made, setMade] = useState("");
  const [fault, fail] = useState("");
  const [name, id] = Object.entries(subject)[0];
  const run = (/** @type {() => Promise<void>} */ work) =>
    work().catch((error) => fail(error instanceof Fault ? error.message : "That did not work"));
  const load = async () => {
    const { links: all } = await ask("/api/share-links", { limit: 1000 });
    set(
      all.filter(
        (/** @type {any} */ one) =>
          `${one[name]}` === `${id}` && !one.revoked_at && Date.parse(one.expires_at) > Date.now(),
      ),
    );
  };
  const make = (/** @type {any} */ event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      fail("");
      const body = JSON.stringify({ ...subject, days: Number(form.get("days")), note: `${form.get("note")}` || null });
      const { url } = await ask(
        "/api/share-links",
        {},
        { method: "POST", body, headers: { "Content-Type": "application/json" } },
      );
      setMade(url);
      await load();
    });
  };
  const revoke = (/** @type {number} */ link) =>
    run(async () => {
      await ask(`/api/share-links/${link}`, {}, { method: "DELETE" });
      setMade("");
      await load();
    });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for a subject
  useEffect(() => void run(load), [id]);
  return html`<div class="sharing">
    <p>A link shows this page's statistics without an account, until it ends or you revoke it.</p>
    <form onSubmit=${make}>
      <select name="days" aria-label="Ends after">${DAYS.map((days) => html`<option value=${days} selected=${days === 30}>${days} days</option>`)}</select>
      <input name="note" maxlength="200" placeholder="Note, for you" aria-label="Note, for you" />
      <button type="submit">Make a link</button>
    </form>
    ${made && html`<label>Copy it now, it is shown this once <input class="made" readonly value=${made} onFocus=${(/** @type {any} */ event) => event.currentTarget.select()} /></label>`}
    ${fault && html`<p class="failed" role="alert">${fault}</p>`}
    ${
      links?.length
        ? html`<ul>${links.map((one) => html`<li key=${one.id}><span>${one.note || "Link"} <small class="quiet">until ${when(one.expires_at)}</small></span><button type="button" onClick=${() => revoke(one.id)}>Revoke</button></li>`)}</ul>`
        : html`<p class="quiet">${links ? "No open links." : "…"}</p>`
    }
  </div>`;
}
