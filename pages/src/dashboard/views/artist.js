// An artist: totals, breakdowns, and the list of contents, sorted and searched.
import { signal } from "@preact/signals";
import { nameOf } from "../../site/live.js";
import { useAnswer } from "../ask.js";
import { aboutArtist, compact, fullDate, when, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Card } from "../parts/list.js";
import { Share } from "../parts/share.js";
import { Answer, Empty, Room } from "../parts/states.js";
import { OF_VIEWS, trendOf, useStats, useTopic } from "../parts/stats.js";
import { address, change, asked as days, route, who } from "../place.js";
import { Statistics } from "./content.js";
import { contentPath } from "./contents.js";

const PAGE = 25;
const COLUMNS = /** @type {[string, string, string][]} */ ([
  ["title", "Content", "title"],
  ["created_at", "Created", "created_at"],
  ["views", "Views", "total_views"],
  ["unique_viewers", "Viewers", "unique_viewers"],
  ["reactions", "Reactions", "total_reactions"],
  ["comments", "Comments", "total_comments"],
  ["last_view_at", "Last view", "last_view_at"],
]);
const search = signal("");

export function Artist() {
  const id = route.value.id;
  const path = `/api/user/${encodeURIComponent(id)}/artist-stats`;
  const live = useTopic(`artist:${id}`);
  const { now, former } = useStats(path, live?.seq, { trend_of: trendOf(OF_VIEWS) });
  return html`<${PageBar} title=${`Artist ${id}`} about=${now.data ? aboutArtist(now.data) : now.fault ? "" : "…"} zone=${now.data}>${now.data && html`<${Share} subject=${{ user_id: now.data.user_id }} />`}<//>
    <${Answer} asked=${now} room=${html`<${Room} metrics=${8} />`}>${(/** @type {any} */ body) => html`<${Statistics} body=${body} former=${former} live=${live} path=${path} />`}<//>
    <${Contents} id=${id} pulse=${live?.seq} />`;
}

/** @param {{id: string, pulse: unknown}} props */
function Contents({ id, pulse }) {
  const params = address.value.searchParams;
  const sort = params.get("sort") ?? "-views";
  const page = Math.max(0, Number(params.get("page")) || 0);
  const path = `/api/user/${encodeURIComponent(id)}/posts-stats`;
  const wanted = search.value.trim().toLowerCase();
  const asked = useAnswer(
    path,
    { ...days.value, sort, limit: wanted ? 500 : PAGE, offset: wanted ? 0 : page * PAGE },
    pulse,
  );
  return html`<${Card} title="Contents" wide=${true} files=${`${path}?${new URLSearchParams({ ...days.value, sort, limit: "500" })}`}>
    <input type="search" placeholder="Search titles" aria-label="Search titles" value=${search.value} onInput=${(
      /** @type {any} */ event,
    ) => {
      search.value = event.currentTarget.value;
    }} />
    <${Answer} asked=${asked} lines=${8}>
      ${(/** @type {any} */ body) => {
        const rows = body.posts.filter(
          (/** @type {any} */ row) => !wanted || nameOf(row).toLowerCase().includes(wanted),
        );
        if (!rows.length) return html`<${Empty}>${wanted ? "No title has this text." : "No contents yet."}<//>`;
        const pages = Math.ceil(body.total / PAGE);
        return html`<div class="scroll" tabindex="0" role="region" aria-label="List of contents">
            <table class="rows">
              <thead><tr>${COLUMNS.map(([key, label]) => html`<${SortHead} key=${key} name=${key} label=${label} sort=${sort} />`)}</tr></thead>
              <tbody>
                ${rows.map(
                  (/** @type {any} */ row) => html`<tr key=${row.post_id}>
                    <th scope="row"><a href=${contentPath(row.post_id)}>${nameOf(row)}</a> <small>${word(row.kind ?? "")}${row.visibility === "private" ? ", private" : ""}</small></th>
                    <td>${row.created_at ? fullDate(row.created_at) : "–"}</td>
                    ${["total_views", "unique_viewers", "total_reactions", "total_comments"].map((field) => html`<td class="n">${compact(row[`${field}${who.value}`])}</td>`)}
                    <td>${when(row[`last_view_at${who.value}`])}</td>
                  </tr>`,
                )}
              </tbody>
            </table>
          </div>
          ${
            !wanted &&
            pages > 1 &&
            html`<nav class="pager" aria-label="Pages of the list">
            <button type="button" disabled=${page === 0} onClick=${() => change({ page: page > 1 ? `${page - 1}` : null })}>Previous</button>
            <span>Page ${page + 1} of ${pages}</span>
            <button type="button" disabled=${page + 1 >= pages} onClick=${() => change({ page: `${page + 1}` })}>Next</button>
          </nav>`
          }`;
      }}
    <//>
  <//>`;
}

/** @param {{name: string, label: string, sort: string}} props */
function SortHead({ name, label, sort }) {
  const is = sort.replace("-", "") === name;
  const falls = sort.startsWith("-");
  const next = is && falls ? name : is ? `-${name}` : name === "title" ? name : `-${name}`;
  const number = !["title", "created_at", "last_view_at"].includes(name);
  return html`<th scope="col" class=${number ? "n" : ""} aria-sort=${is ? (falls ? "descending" : "ascending") : undefined}>
    <button type="button" class="plain" onClick=${() => change({ sort: next, page: null })}>${label}${is ? (falls ? " ↓" : " ↑") : ""}</button>
  </th>`;
}
