// A list of the largest values of a breakdown: the value, a bar as long as its share, the number.

import { useState } from "preact/hooks";
import { compact, number, share } from "../format.js";
import { html } from "../html.js";
import { Empty } from "./states.js";

const SHOWN = 8;
const MORE = 100; // of every breakdown and day no more values are kept

/**
 * @typedef {object} ListProps
 * @property {Record<string, number> | undefined} values value → count
 * @property {string} empty what is said where there are none
 * @property {(value: string) => string} [write]
 * @property {number} [of] the whole that shares are of; else the sum of the values
 * @property {string} [picked] the value whose trend is shown
 * @property {(value: string) => void} [onPick]
 * @property {(value: string) => string | null} [link]
 * @property {number} [shown] how many, until all are asked for
 * @property {string} label the column's name
 */

/** @param {ListProps} props */
export function List({ values, empty, write = String, of, picked, onPick, link, label, shown = SHOWN }) {
  const [isWhole, showWhole] = useState(false);
  const rows = Object.entries(values ?? {}).filter(([, n]) => n > 0);
  if (!rows.length) return html`<${Empty}>${empty}<//>`;
  rows.sort(([, a], [, b]) => b - a);
  const most = rows[0][1];
  const whole = of ?? rows.reduce((sum, [, n]) => sum + n, 0);
  return html`<table class="list">
    <colgroup><col /><col class="count" /><col class="count" /></colgroup>
    <thead class="unseen"><tr><th scope="col">${label}</th><th scope="col">Count</th><th scope="col">Share</th></tr></thead>
    <tbody>
      ${rows.slice(0, isWhole ? MORE : shown).map(([value, n]) => {
        const to = link?.(value);
        const name = write(value);
        const text = to
          ? html`<a href=${to} title=${name}>${name}</a>`
          : onPick
            ? html`<button type="button" class="plain" title=${`Show the days of ${name}`} aria-pressed=${picked === value} onClick=${() => onPick(value)}>${name}</button>`
            : html`<span title=${name}>${name}</span>`;
        return html`<tr key=${value} class=${picked === value ? "picked" : ""}>
          <th scope="row"><i class="bar" style=${`width:${(n / most) * 100}%`} aria-hidden="true"></i>${text}</th>
          <td class="n" title=${number(n)}>${compact(n)}</td>
          <td class="n quiet">${share(n, whole)}</td>
        </tr>`;
      })}
    </tbody>
  </table>
  ${rows.length > shown && html`<button type="button" class="plain more" aria-expanded=${isWhole} onClick=${() => showWhole(!isWhole)}>${isWhole ? "Fewer" : `All ${Math.min(rows.length, MORE)}`}</button>`}`;
}

/**
 * A card with a title, what exports it, and what is in it.
 *
 * @param {{title: string, id?: string, wide?: boolean | "two", files?: string | null, about?: any, children?: any}} props
 */
export const Card = ({ title, id, wide, files, about, children }) =>
  html`<section class=${`card ${wide === "two" ? "two" : wide ? "wide" : ""}`} aria-labelledby=${id ?? title}>
    <header><h2 id=${id ?? title}>${title}${about && html` <small class="quiet">${about}</small>`}</h2>${files && html`<${Files} path=${files} title=${title} />`}</header>
    ${children}
  </section>`;

/** Links to a table in every format. @param {{path: string, title: string}} props */
export function Files({ path, title }) {
  const join = path.includes("?") ? "&" : "?";
  return html`<details class="files">
    <summary aria-label=${`Export ${title}`}>Export</summary>
    <div>
      ${["csv", "xlsx", "json", "ndjson", "parquet"].map((form) => html`<a href=${`${path}${join}format=${form}`} download>${form.toUpperCase()}</a>`)}
    </div>
  </details>`;
}
