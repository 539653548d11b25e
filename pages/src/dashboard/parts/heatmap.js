// Weekday × hour as squares, and the same as a table for those who do not see colours.
import { number } from "../format.js";
import { html } from "../html.js";
import { step } from "./map.js";

const monday = Date.UTC(2024, 0, 1);
const names = new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" });
export const WEEKDAYS = Array.from({ length: 7 }, (_, n) => names.format(monday + n * 86_400_000));

/** Return the views of a week as 7 rows of 24, Monday first. @param {any[]} cells @param {string} suffix */
export function weekOf(cells, suffix) {
  const rows = Array.from({ length: 7 }, () => Array(24).fill(0));
  for (const one of cells) rows[one.weekday][one.hour] = one[`views${suffix}`];
  return rows;
}

/** @param {{title: string, cells: number[][]}} props 7 rows, Monday first, of 24 hours */
export function Heatmap({ title, cells }) {
  const most = Math.max(0, ...cells.flat());
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${title}>
    <table class="heat">
      <caption class="unseen">${title}</caption>
      <thead><tr><td></td>${Array.from({ length: 24 }, (_, hour) => html`<th scope="col">${hour % 3 ? html`<span class="unseen">${hour}</span>` : hour}</th>`)}</tr></thead>
      <tbody>
        ${cells.map(
          (row, day) => html`<tr><th scope="row">${WEEKDAYS[day]}</th>
          ${row.map((n, hour) => html`<td class=${`s${step(n, most)}`} title=${`${WEEKDAYS[day]} ${hour}:00: ${number(n)}`}><span class="unseen">${number(n)}</span></td>`)}
        </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
