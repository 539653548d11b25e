// Players: which are online, what they show, and whose reports were refused.
import { signal } from "@preact/signals";
import { useAnswer } from "../ask.js";
import { ago, country, when, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Card, List } from "../parts/list.js";
import { Metric } from "../parts/metric.js";
import { Answer, Empty, Room } from "../parts/states.js";
import { tableOf, useStats, useTopic } from "../parts/stats.js";
import { address, change, nowMs } from "../place.js";
import { contentPath } from "./contents.js";

const LIMIT = 100;
const search = signal("");

export function Players() {
  const params = address.value.searchParams;
  const status = params.get("status");
  const site = useTopic("site");
  const minute = Math.floor(nowMs.value / 60_000);
  const asked = useAnswer(
    "/api/players",
    { limit: LIMIT, status, after: params.get("after") },
    `${site?.seq} ${minute}`,
  );
  const { now, former } = useStats("/api/admin/sitewide-stats", null, { limit: 20 });
  const wanted = search.value.trim().toLowerCase();
  return html`<${PageBar} title="Players" about="Devices on walls and shelves, and what they report." zone=${now.data} people=${false} />
    <${Answer} asked=${now} room=${html`<${Room} metrics=${3} chart=${false} />`}>
      ${(/** @type {any} */ body) => {
        const activity = body.player_activity;
        const old = former?.player_activity;
        return html`<div class="metrics">
          <${Metric} name="registered" label="Registered" n=${body.players_registered} />
          <${Metric} name="active_players" label="Active in these days" n=${activity.active_players} was=${old?.active_players} />
          <${Metric} name="views" label="Views by players" n=${activity.views} was=${old?.views} />
        </div>`;
      }}
    <//>
    <${Card} title="All players" wide=${true} files=${`/api/players?limit=500${status ? `&status=${status}` : ""}`}>
      <div class="filters">
        <input type="search" placeholder="Search names" aria-label="Search names" value=${search.value} onInput=${(
          /** @type {any} */ event,
        ) => {
          search.value = event.currentTarget.value;
        }} />
        <div class="switch" role="group" aria-label="Status">
          ${[null, "online", "offline"].map((one) => html`<button type="button" aria-pressed=${status === one} onClick=${() => change({ status: one, after: null })}>${one ? word(one) : "All"}</button>`)}
        </div>
      </div>
      <${Answer} asked=${asked} lines=${8}>
        ${(/** @type {any} */ body) => {
          const rows = body.players.filter(
            (/** @type {any} */ one) => !wanted || `${one.name ?? ""} ${one.player_key}`.toLowerCase().includes(wanted),
          );
          if (!rows.length)
            return html`<${Empty}>${wanted || status ? "No player fits: change the search or the status." : "No players are registered: POST /api/players registers one."}<//>`;
          return html`<div class="scroll" tabindex="0" role="region" aria-label="Players"><table class="rows">
              <thead><tr><th scope="col">Player</th><th scope="col">Status</th><th scope="col">Shows</th><th scope="col">Firmware</th><th scope="col">Country</th><th scope="col">Last seen</th><th scope="col">Last view</th></tr></thead>
              <tbody>${rows.map(
                (/** @type {any} */ one) => html`<tr key=${one.player_key}>
                  <th scope="row">${one.name ?? "Player"} <small title=${one.player_key}>${one.player_key.slice(0, 8)}</small></th>
                  <td><span class=${`status ${one.status}`}>${one.status ? word(one.status) : "Never seen"}</span>${one.status === "online" && one.online_since ? html` <small>since ${when(one.online_since)}</small>` : ""}</td>
                  <td>${one.current_post_id ? html`<a href=${contentPath(one.current_post_id)}>${one.current_post_id}</a>` : "–"}</td>
                  <td>${one.firmware_version ?? "–"}</td><td>${one.country ? country(one.country) : "–"}</td>
                  <td>${ago(one.last_seen_at, nowMs.value)}</td><td>${ago(one.last_view_at, nowMs.value)}</td></tr>`,
              )}</tbody></table></div>
            ${body.players.length === LIMIT && html`<nav class="pager" aria-label="Pages of the list"><button type="button" onClick=${() => change({ after: body.players.at(-1).player_key })}>Next ${LIMIT}</button></nav>`}
            ${params.has("after") && html`<nav class="pager"><button type="button" onClick=${() => change({ after: null })}>Back to the first</button></nav>`}`;
        }}
      <//>
    <//>
    <div class="cards start">
      <${Card} title="Views by player" wide="two" files=${tableOf("/api/admin/sitewide-stats", "player")}><${Answer} asked=${now} lines=${8}>${(/** @type {any} */ body) => html`<${ByPlayer} rows=${body.player_activity.views_by_player} of=${body.player_activity.views} />`}<//><//>
      <${Card} title="Reports that were refused" files=${tableOf("/api/admin/outcomes", "by_source")}><${Refused} /><//>
    </div>`;
}

/** @param {{rows: any[], of: number}} props */
function ByPlayer({ rows, of }) {
  const names = Object.fromEntries(rows.map((row) => [row.player_key, row.name ?? row.player_key.slice(0, 8)]));
  const values = Object.fromEntries(rows.map((row) => [row.player_key, row.views]));
  return html`<${List} label="Player" values=${values} of=${of} write=${(/** @type {string} */ key) => names[key]} empty="No player has reported a view in these days." />`;
}

function Refused() {
  const { now } = useStats("/api/admin/outcomes", null);
  return html`<${Answer} asked=${now}>
    ${(/** @type {any} */ body) => {
      const rows = body.by_source.filter(
        (/** @type {any} */ row) => row.source === "player" && row.outcome !== "accepted",
      );
      const values = Object.fromEntries(rows.map((/** @type {any} */ row) => [row.outcome, row.events]));
      return html`<${List} label="Reason" values=${values} write=${word} link=${(/** @type {string} */ name) => `/not-counted?pick=reason:${name}`} empty="Every report of a player counted in these days." />`;
    }}
  <//>`;
}
