// Why events did not count: the reasons over time, and single events while an integration is tested.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useAnswer } from "../ask.js";
import { compact, country, number, share, time, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Chart } from "../parts/chart.js";
import { Card, List } from "../parts/list.js";
import { Metric } from "../parts/metric.js";
import { Answer, Empty } from "../parts/states.js";
import { useTopic } from "../parts/stats.js";
import { range } from "../place.js";
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
const only = signal("");

export function Outcomes() {
  const site = useTopic("site");
  useEffect(watchDecided, []);
  const { from, to } = range.value;
  const asked = useAnswer(PATH, { from, to }, `${site?.seq} ${decided.value[0]?.key}`);
  const events = decided.value.filter((one) => !only.value || one.outcome === only.value);
  return html`<${PageBar} title="Why not counted" about="What became of every event that reached VTS." people=${false} />
    <${Answer} asked=${asked} lines=${6}>
      ${(/** @type {any} */ body) => {
        const hourly = range.value.name === "today";
        const line = hourly ? body.hourly : body.daily;
        const all = Object.values(body.outcomes).reduce(
          (/** @type {number} */ sum, n) => sum + /** @type {number} */ (n),
          0,
        );
        const refused = Object.fromEntries(Object.keys(REASONS).map((reason) => [reason, body.outcomes[reason]]));
        const lost = all - body.outcomes.accepted;
        return html`<div class="metrics">
            <${Metric} name="accepted" label="Counted" n=${body.outcomes.accepted} />
            <${Metric} name="" label="Not counted" n=${lost} />
            <${Metric} name="" label="Share not counted" n=${lost} write=${() => share(lost, all)} />
          </div>
          <section class="card wide"><header><h2>Events by ${hourly ? "hour" : "day"}</h2></header>
            <${Chart} title="Events" labels=${line.map((/** @type {any} */ one) => one.hour ?? one.date)} series=${[
              { label: "Counted", kind: "main", values: line.map((/** @type {any} */ one) => one.accepted) },
              {
                label: "Not counted",
                kind: "second",
                values: line.map((/** @type {any} */ one) =>
                  Object.keys(REASONS).reduce((sum, name) => sum + one[name], 0),
                ),
              },
            ]} /></section>
          <div class="cards">
            <${Card} title="Reasons" files=${`${PATH}?from=${from}&to=${to}&table=by_source`}>
              <${List} label="Reason" values=${refused} write=${word} picked=${only.value} onPick=${(
                /** @type {string} */ name,
              ) => {
                only.value = only.value === name ? "" : name;
              }} empty="Every event counted in these days." /><//>
            <${Card} title="By source"><${Sources} rows=${body.by_source} /><//>
            <${Card} title="What the reasons mean"><dl class="meanings">${Object.entries(REASONS).map(([name, text]) => html`<dt>${word(name)}</dt><dd>${text}</dd>`)}</dl><//>
          </div>`;
      }}
    <//>
    <${Card} title="Events as they arrive" wide=${true}>
      <p class="quiet">Of this process, since this page is open${
        only.value
          ? html`; only <b>${word(only.value)}</b> <button type="button" class="plain" onClick=${() => {
              only.value = "";
            }}>show all</button>`
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

/** @param {{rows: {source: string, outcome: string, events: number}[]}} props */
function Sources({ rows }) {
  if (!rows.length) return html`<${Empty}>No events in these days.<//>`;
  return html`<table class="rows"><thead><tr><th scope="col">Source</th><th scope="col">Outcome</th><th scope="col" class="n">Events</th></tr></thead>
    <tbody>${rows.slice(0, 20).map((row) => html`<tr><td>${word(row.source)}</td><td>${row.outcome === "accepted" ? "Counted" : word(row.outcome)}</td><td class="n" title=${number(row.events)}>${compact(row.events)}</td></tr>`)}</tbody></table>`;
}
