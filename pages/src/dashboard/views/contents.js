// A table of contents with their numbers.

import { nameOf } from "../../site/live.js";
import { compact, number, word } from "../format.js";
import { html } from "../html.js";
import { Empty } from "../parts/states.js";

/** Return the path of a content's page. @param {string | number} id */
export const contentPath = (id) => `/content/${encodeURIComponent(`${id}`).replaceAll("%3A", ":")}`;

/** @param {{rows: any[]}} props */
export function ContentTable({ rows }) {
  if (!rows.length) return html`<${Empty}>Nothing was looked at in these days.<//>`;
  const most = Math.max(1, ...rows.map((row) => row.views ?? row.total_views ?? 0));
  return html`<table class="list">
    <colgroup><col /><col class="kind" /><col class="count viewers" /><col class="count" /></colgroup>
    <thead><tr><th scope="col">Content</th><th scope="col" class="kind">Kind</th><th scope="col" class="n viewers">Viewers</th><th scope="col" class="n">Views</th></tr></thead>
    <tbody>
      ${rows.map((row) => {
        const views = row.views ?? row.total_views ?? 0;
        return html`<tr key=${row.post_id}>
          <th scope="row"><i class="bar" style=${`width:${(views / most) * 100}%`} aria-hidden="true"></i><a href=${contentPath(row.post_id)} title=${nameOf(row)}>${nameOf(row)}</a></th>
          <td class="quiet kind">${row.kind ? word(row.kind) : "–"}</td>
          <td class="n viewers">${compact(row.unique_viewers)}</td><td class="n" title=${number(views)}>${compact(views)}</td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}
