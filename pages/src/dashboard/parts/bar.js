// The bar above every page about days: which days, against which, of whom.

import { date } from "../format.js";
import { html } from "../html.js";
import { before, change, compared, nowMs, RANGES, range, who } from "../place.js";
import { Term } from "./definitions.js";

/** @param {{title: any, about?: any, zone?: any, people?: boolean, children?: any}} props `zone` is an answer that may name one. */
export function PageBar({ title, about, zone, people = true, children }) {
  const { name, from, to } = range.value;
  const today = new Date(nowMs.value).toISOString().slice(0, 10);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    change({ range: null, from: `${form.get("from")}`, to: `${form.get("to")}` });
  };
  return html`<div class="pagebar">
    <div class="titles"><h1>${title}</h1><p class="quiet">${about} <${Zone} of=${zone} /></p></div>
    ${children}
    <div class="controls">
      ${
        people &&
        html`<div class="switch" role="group" aria-label="Whose views">
        <button type="button" aria-pressed=${!who.value} onClick=${() => change({ who: null })}>All</button>
        <button type="button" aria-pressed=${Boolean(who.value)} onClick=${() => change({ who: "authenticated" })}>Signed in</button>
      </div>`
      }
      <label class="check"><input type="checkbox" checked=${compared.value !== null} disabled=${before(range.value) === null}
        onChange=${(/** @type {any} */ event) => change({ compare: event.currentTarget.checked ? "1" : null })} /> Compare</label>
      <select aria-label="Days" value=${name} onChange=${(/** @type {any} */ event) => {
        const asked = event.currentTarget.value;
        if (asked === "custom") change({ range: null, from, to });
        else change({ range: asked, from: null, to: null });
      }}>
        ${RANGES.map(([one, label]) => html`<option value=${one}>${label}</option>`)}
        <option value="custom">${name === "custom" ? `${date(from)} – ${date(to)}` : "Custom…"}</option>
      </select>
      ${
        name === "custom" &&
        html`<form class="dates" onSubmit=${submit}>
        <input type="date" name="from" aria-label="First day" required max=${today} defaultValue=${from} value=${from} />
        <input type="date" name="to" aria-label="Last day" required max=${today} value=${to} />
        <button type="submit">Show</button>
      </form>`
      }
    </div>
  </div>`;
}

/** Which days are meant. @param {{of?: {tz?: string, tz_inexact?: string[]} | null}} props */
function Zone({ of }) {
  if (!of?.tz) return html`<span class="zone">Days are UTC days.</span>`;
  const inexact = of.tz_inexact?.map((name) => name.replaceAll("_", " ").replace(".", ": ")).join(", ");
  const more = inexact ? `Of the UTC days of the same dates: ${inexact}.` : "";
  return html`<span class="zone"><${Term} name="" more=${more}>Days are dates of ${of.tz.replaceAll("_", " ")}.<//></span>`;
}
