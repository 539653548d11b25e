// How VTS itself is: what it takes in a second, how far the database is behind, what was started again.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Fault } from "../ask.js";
import { compact, duration, number, word } from "../format.js";
import { html } from "../html.js";
import { readMetrics, sum } from "../metrics.js";
import { Chart } from "../parts/chart.js";
import { Card } from "../parts/list.js";
import { Metric } from "../parts/metric.js";
import { Empty, Failed, Loading, Room } from "../parts/states.js";
import { useTopic } from "../parts/stats.js";

const EVERY_MS = 5000;
const KEPT = 120; // ten minutes

/** @type {import("@preact/signals").Signal<{at: number, values: import("../metrics.js").Sample}[]>} */
const samples = signal([]);
const ready = signal(/** @type {any} */ (null));
const fault = signal(/** @type {Fault | null} */ (null));

async function look() {
  try {
    const [metrics, state] = await Promise.all(
      ["/metrics", "/health/ready"].map((path) => fetch(path, { signal: AbortSignal.timeout(EVERY_MS) })),
    );
    if (!metrics.ok) throw new Fault(metrics.status, "");
    const values = readMetrics(await metrics.text());
    ready.value = await state.json();
    samples.value = [...samples.value.slice(1 - KEPT), { at: Date.now(), values }];
    fault.value = null;
  } catch (error) {
    fault.value = error instanceof Fault ? error : new Fault(0, "");
  }
}

/** Return how much a counter grew in a second between samples. @param {string} name @param {RegExp} [labels] */
function rates(name, labels) {
  const all = samples.value;
  return all.slice(1).map((one, n) => {
    const grown = sum(one.values, name, labels) - sum(all[n].values, name, labels);
    return Math.max(0, Math.round((grown * 10_000) / (one.at - all[n].at)) / 10);
  });
}

export function Operations() {
  useTopic("site"); // so that the state of the line is shown here too
  useEffect(() => {
    look();
    const timer = setInterval(() => !document.hidden && look(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const last = samples.value.at(-1)?.values;
  const times = samples.value.slice(1).map((one) => new Date(one.at).toISOString());
  const accepted = rates("vts_events_total", /outcome="accepted"/);
  const refused = rates("vts_events_total", /outcome="(?!accepted)/);
  const restarts = last ? [...last].filter(([key, n]) => key.startsWith("vts_restarts_total{") && n > 0) : [];
  return html`<div class="pagebar"><div class="titles"><h1>Operations</h1><p class="quiet">This process, every 5 seconds while this page is seen.</p></div></div>
    ${fault.value && html`<${Failed} fault=${fault.value} />`}
    ${
      last
        ? html`<div class="metrics">
            <${Metric} name="accepted" label="Counted, a second" n=${accepted.at(-1)} write=${compact} />
            <${Metric} name="journal" label="Waiting in the journal" n=${value("vts_journal_depth")} />
            <${Metric} name="behind" label="Database behind" n=${value("vts_drain_lag_seconds")} write=${duration} />
            <${Metric} name="live_clients" label="Live connections" n=${value("vts_live_clients")} />
            <${Metric} name="days_waiting" label="Days to add up again" n=${value("vts_rollup_days_waiting")} />
            <${Metric} name="dead_letters" label="Dead letters" n=${sum(last, "vts_dead_letters_total")} />
            <${Metric} name="restarts" label="Restarts" n=${sum(last, "vts_restarts_total")} />
          </div>
          <section class="card wide charted"><header><h2>Events a second <small class="quiet">the last ${Math.ceil((KEPT * EVERY_MS) / 60_000)} minutes, while this page is open</small></h2></header>
            ${times.length > 1 ? html`<${Chart} title="Events a second" labels=${times} series=${[{ label: "Counted", kind: "main", values: accepted }, { label: "Not counted", kind: "second", values: refused }]} />` : html`<${Empty}>A rate is the difference of two looks: the second one comes in 5 seconds.<//>`}
          </section>`
        : !fault.value && html`<${Room} metrics=${7} />`
    }
    <div class="cards start">
      <${Card} title="Parts of this process" about="and the state of each" wide=${true}>${
        ready.value
          ? html`<ul class="parts">${Object.entries(ready.value.parts).map(
              ([name, state]) =>
                html`<li key=${name}><span class=${`status ${state === "ok" ? "online" : "bad"}`}>${word(name)}</span>${state !== "ok" && html` <b>${typeof state === "string" ? state : JSON.stringify(state)}</b>`}</li>`,
            )}</ul>`
          : html`<${Loading} lines=${5} />`
      }<//>
      <${Card} title="Events since the start" about="by source and outcome" wide="two">${last ? html`<${Taken} values=${last} rate=${rates} />` : html`<${Loading} lines=${6} />`}<//>
      <${Card} title="Restarts" about="of parts, since the start">${restarts.length ? html`<table class="rows"><tbody>${restarts.map(([key, n]) => html`<tr><th scope="row">${word(/actor="([^"]*)"/.exec(key)?.[1] ?? "")}</th><td>${word(/why="([^"]*)"/.exec(key)?.[1] ?? "")}</td><td class="n">${number(n)}</td></tr>`)}</tbody></table>` : html`<${Empty}>No part failed since VTS started.<//>`}<//>
    </div>`;

  /** @param {string} name */
  function value(name) {
    return last?.get(name);
  }
}

/** @param {{values: import("../metrics.js").Sample, rate: (name: string, labels: RegExp) => number[]}} props */
function Taken({ values, rate }) {
  const rows = [...values].flatMap(([key, n]) => {
    const [, outcome, source] = /^vts_events_total\{outcome="([^"]*)",source="([^"]*)"\}$/.exec(key) ?? [];
    return outcome && n > 0 ? [{ outcome, source, n }] : [];
  });
  if (!rows.length) return html`<${Empty}>No event has come since VTS started.<//>`;
  rows.sort((a, b) => b.n - a.n);
  return html`<div class="scroll tall" tabindex="0" role="region" aria-label="Events since the start, in numbers"><table class="rows"><thead><tr><th scope="col">Source</th><th scope="col">Outcome</th><th scope="col" class="n">A second</th><th scope="col" class="n">Events</th></tr></thead>
    <tbody>${rows.map(({ outcome, source, n }) => {
      const now = rate("vts_events_total", RegExp(`outcome="${outcome}",source="${source}"`)).at(-1);
      return html`<tr key=${outcome + source}><td>${word(source)}</td><td><span class=${`outcome ${outcome === "accepted" ? "good" : "bad"}`}>${outcome === "accepted" ? "Counted" : word(outcome)}</span></td><td class="n">${compact(now)}</td><td class="n" title=${number(n)}>${compact(n)}</td></tr>`;
    })}</tbody></table></div>`;
}
