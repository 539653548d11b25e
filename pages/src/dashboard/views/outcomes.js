// Why events did not count: the reasons over time, and single events while an integration is tested.
import { useEffect } from "preact/hooks";
import { compact, country, number, percent, share, time, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Chart } from "../parts/chart.js";
import { Card } from "../parts/list.js";
import { Metric } from "../parts/metric.js";
import { Answer, Empty, Room } from "../parts/states.js";
import { tableOf, useStats, useTopic } from "../parts/stats.js";
import { change, choose, pick, range } from "../place.js";
import { contentPath } from "./contents.js";
import { decided, missed, watchDecided } from "./decided.js";

export const REASONS = /** @type {Record<string, string>} */ ({
  invalid: "It could not be read, or a field was out of range.",
  identity_mismatch: "A player's payload named another player than its topic.",
  authentication_failed: "A bad token, or an unknown or unregistered player.",
  bot: "A crawler, a headless browser or a command-line client.",
  too_late: "From before the days that are kept raw; of anonymous visitors, more than 24 hours old.",
  duplicate: "It was sent before, and counted then.",
  rate_limited: "A player or visitor sent more than its allowance.",
  not_found: "An unknown content, and unknown ones are refused here.",
  deleted: "The content was deleted.",
  author: "The owner looked at the own content.",
  unavailable: "The journal had no room, or no catalog was loaded yet. The sender tries again.",
});
const PATH = "/api/admin/outcomes";

export function Outcomes() {
  const site = useTopic("site");
  useEffect(watchDecided, []);
  const { now, former } = useStats(PATH, `${site?.seq} ${decided.value[0]?.key}`);
  const only = pick.value?.name === "reason" && REASONS[pick.value.value] ? pick.value.value : "";
  const events = decided.value.filter((one) => !only || one.outcome === only);
  return html`<${PageBar} title="Why not counted" about="What became of every event that reached VTS." people=${false} />
    <${Answer} asked=${now} room=${html`<${Room} metrics=${3} />`}>
      ${(/** @type {any} */ body) => html`<${Totals} body=${body} former=${former} only=${only} />`}
    <//>
    <${Card} title="Events as they arrive" wide=${true}>
      <p class="quiet">Of this process, since this page is open${
        only
          ? html`; only <b>${word(only)}</b> <button type="button" class="plain" onClick=${() => change({ pick: null })}>show all</button>`
          : ""
      }${missed.value ? `; ${number(missed.value)} came too fast to be listed` : ""}.</p>
      ${
        events.length
          ? html`<div class="scroll tall" tabindex="0" role="region" aria-label="Events as they arrive"><table class="rows">
              <thead><tr><th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Source</th><th scope="col">Content</th><th scope="col">From</th><th scope="col">Detail</th></tr></thead>
              <tbody>${events.slice(0, 100).map(
                (
                  one,
                ) => html`<tr key=${one.key}><td>${time(one.at)}</td><td><span class=${`outcome ${one.outcome === "accepted" ? "good" : "bad"}`}>${one.outcome === "accepted" ? "Counted" : word(one.outcome)}</span></td>
                  <td>${word(one.source)}${one.event_type ? html` <small>${word(one.event_type)}</small>` : ""}</td>
                  <td>${one.post_id === null ? "–" : html`<a href=${contentPath(one.post_id)}>${one.post_id}</a>`}</td>
                  <td>${[one.country && country(one.country), one.device && word(one.device)].filter(Boolean).join(", ") || "–"}</td><td>${one.detail ?? "–"}</td></tr>`,
              )}</tbody></table></div>`
          : html`<${Empty}>Send an event now, and it appears here within a second with what became of it.<//>`
      }
    <//>`;
}

/** The numbers, the chart, and the closed list of reasons. @param {{body: any, former: any, only: string}} props */
function Totals({ body, former, only }) {
  const hourly = range.value.name === "today";
  const line = hourly ? body.hourly : body.daily;
  const [all, lost] = sumOf(body.outcomes);
  const [allThen, lostThen] = former ? sumOf(former.outcomes) : [null, null];
  const series = [
    { label: "Counted", kind: "main", values: line.map((/** @type {any} */ one) => one.accepted) },
    {
      label: only ? word(only) : "Not counted",
      kind: "second",
      values: line.map((/** @type {any} */ one) => (only ? one[only] : sumOf(one)[1])),
    },
  ];
  const by = hourly ? "hour" : "day";
  return html`<div class="metrics">
      <${Metric} name="accepted" label="Counted" n=${body.outcomes.accepted} was=${former?.outcomes.accepted} />
      <${Metric} name="not_counted" label="Not counted" n=${lost} was=${lostThen} less=${true} />
      <${Metric} name="" label="Share not counted" n=${all ? lost / all : null} was=${allThen && lostThen !== null ? lostThen / allThen : null} write=${percent} less=${true} />
    </div>
    <section class="card wide charted"><header><h2>Events by ${by}</h2>${only && html`<button type="button" class="chip" aria-label="Show all reasons" onClick=${() => change({ pick: null })}>Reason: <b>${word(only)}</b> <span aria-hidden="true">×</span></button>`}</header>
      <${Chart} title=${`Events by ${by}`} labels=${line.map((/** @type {any} */ one) => one.hour ?? one.date)} series=${series} /></section>
    <div class="cards start">
      <${Card} title="Reasons" wide="two" files=${tableOf(PATH, "daily")}><${Reasons} counts=${body.outcomes} lost=${lost} only=${only} /><//>
      <${Card} title="By source" files=${tableOf(PATH, "by_source")}><${Sources} rows=${body.by_source} /><//>
    </div>`;
}

/** Return the events of all outcomes, and of those that did not count. @param {Record<string, any>} counts */
function sumOf(counts) {
  const lost = Object.keys(REASONS).reduce((sum, name) => sum + counts[name], 0);
  return [counts.accepted + lost, lost];
}

/** @param {{counts: Record<string, number>, lost: number, only: string}} props */
function Reasons({ counts, lost, only }) {
  const rows = Object.entries(REASONS).sort(([a], [b]) => counts[b] - counts[a]);
  return html`<table class="rows reasons"><thead><tr><th scope="col">Reason</th><th scope="col" class="n">Events</th><th scope="col" class="n">Share</th></tr></thead>
    <tbody>${rows.map(
      ([name, text]) => html`<tr key=${name} class=${only === name ? "picked" : counts[name] ? "" : "none"}>
        <th scope="row"><button type="button" class="plain" aria-pressed=${only === name} onClick=${() => choose("reason", name)}>${word(name)}</button><small class="quiet">${text}</small></th>
        <td class="n" title=${number(counts[name])}>${compact(counts[name])}</td><td class="n quiet">${share(counts[name], lost)}</td></tr>`,
    )}</tbody></table>`;
}

/** @param {{rows: {source: string, outcome: string, events: number}[]}} props */
function Sources({ rows }) {
  if (!rows.length) return html`<${Empty}>No events in these days.<//>`;
  return html`<table class="rows"><thead><tr><th scope="col">Source</th><th scope="col">Outcome</th><th scope="col" class="n">Events</th></tr></thead>
    <tbody>${rows.slice(0, 20).map((row) => html`<tr><td>${word(row.source)}</td><td>${row.outcome === "accepted" ? "Counted" : word(row.outcome)}</td><td class="n" title=${number(row.events)}>${compact(row.events)}</td></tr>`)}</tbody></table>`;
}
