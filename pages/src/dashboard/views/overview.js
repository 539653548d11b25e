// The whole site: for moderators.
import { useState } from "preact/hooks";
import { useAnswer } from "../ask.js";
import { country, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Chart } from "../parts/chart.js";
import { Card, List } from "../parts/list.js";
import { WorldMap } from "../parts/map.js";
import { Metric } from "../parts/metric.js";
import { Answer } from "../parts/states.js";
import { fromFirst, of, tableOf, useStats, useTopic } from "../parts/stats.js";
import { range, who } from "../place.js";
import { ContentTable } from "./contents.js";

const PATH = "/api/admin/sitewide-stats";
/** name in the answer, label, field of a day, estimated */
const METRICS = /** @type {[string, string, string, boolean][]} */ ([
  ["total_views", "Views", "views", false],
  ["unique_viewers", "Unique viewers", "unique_viewers", true],
  ["page_views", "Page views", "page_views", false],
  ["unique_visitors", "Visitors", "unique_visitors", true],
  ["signups", "Signups", "signups", false],
  ["posts", "Uploads", "posts", false],
  ["api_calls", "API calls", "api_calls", false],
  ["errors", "Errors", "errors", false],
]);
const EXACT_VIEWERS = 1500;

/** Return the points of a chart of an answer. @param {any} body @param {string} suffix @param {string} field @param {boolean} hourly @returns {[string, number][]} */
function points(body, suffix, field, hourly) {
  const get = of(body, suffix);
  if (hourly && (field === "views" || field === "page_views")) {
    return get("hourly_trend").map((/** @type {any} */ one) => [one.hour, one[field]]);
  }
  return fromFirst(get("daily_trend"), (day) => day[field] ?? 0).map((day) => [day.date, day[field]]);
}

export function Overview() {
  const site = useTopic("site");
  const { now, former } = useStats(PATH, site?.seq, { limit: 100 });
  const top = useAnswer("/api/top", { from: range.value.from, to: range.value.to, limit: 10 }, site?.seq);
  const channels = useAnswer("/api/admin/channels", { from: range.value.from, to: range.value.to }, site?.seq);
  const [picked, pick] = useState("views");
  const chosen = METRICS.find(([, , field]) => field === picked) ?? METRICS[0];
  const hourly = range.value.name === "today";
  return html`<${PageBar} title="Overview" about="The whole site. Days are UTC days." />
    <${Answer} asked=${now} lines=${6}>
      ${(/** @type {any} */ body) => {
        const get = of(body, who.value);
        const old = of(former, who.value);
        const line = points(body, who.value, picked, hourly);
        const past = former && !hourly ? points(former, who.value, picked, false) : null;
        const series = [{ label: chosen[1], kind: "main", values: line.map(([, n]) => n) }];
        if (picked === "views" && !hourly) {
          const viewers = points(body, who.value, "unique_viewers", false).slice(-line.length);
          series.push({ label: "Unique viewers", kind: "second", values: viewers.map(([, n]) => n) });
        }
        if (past)
          series.push({ label: "Days before", kind: "former", values: past.slice(-line.length).map(([, n]) => n) });
        return html`<div class="metrics">
            ${METRICS.slice(0, 2).map(([name, label, field, about]) => metric(name, label, field, about))}
            <${Metric} name="viewers_now" label="Viewers now" n=${site?.viewers_now} live=${true} />
            ${METRICS.slice(2).map(([name, label, field, about]) => metric(name, label, field, about))}
          </div>
          <section class="card wide"><header><h2>${chosen[1]}${hourly ? ", last 24 hours" : " by day"}</h2></header>
            <${Chart} title=${`${chosen[1]} by ${hourly ? "hour" : "day"}`} labels=${line.map(([at]) => at)} series=${series} />
          </section>`;

        /** @param {string} name @param {string} label @param {string} field @param {boolean} about */
        function metric(name, label, field, about) {
          const n = get(name);
          return html`<${Metric} key=${name} name=${name === "total_views" ? "views" : name} label=${label} n=${n} was=${former ? old(name) : null}
            estimated=${about && n > EXACT_VIEWERS} picked=${picked === field} onPick=${() => pick(field)} />`;
        }
      }}
    <//>
    <div class="cards">
      <${Card} title="Top contents" wide=${true} files=${`/api/top?from=${range.value.from}&to=${range.value.to}`}>
        <${Answer} asked=${top}>${(/** @type {any} */ body) => html`<${ContentTable} rows=${body.posts ?? body.top ?? []} />`}<//>
      <//>
      <${Answer} asked=${now} lines=${8}>${(/** @type {any} */ body) => html`<${Breakdowns} body=${body} />`}<//>
      <${Card} title="Channels" files=${tableOf("/api/admin/channels", "channels")}>
        <${Answer} asked=${channels}>
          ${(/** @type {any} */ body) =>
            html`<${List} label="Channel" values=${Object.fromEntries((of(body, who.value)("channels") ?? []).map((/** @type {any} */ one) => [one.channel, one.views]))}
              write=${word} link=${() => "/channels"} empty="Players and pages have named no channel in these days." />`}
        <//>
      <//>
    </div>`;
}

/** @param {{body: any}} props */
function Breakdowns({ body }) {
  const get = of(body, who.value);
  return html`<${Card} title="Countries" wide=${true} files=${tableOf(PATH, "country")}>
      <div class="world"><${WorldMap} values=${get("views_by_country")} />
        <${List} label="Country" values=${get("views_by_country")} of=${get("total_views")} write=${country} empty="No view had a country." /></div>
    <//>
    <${Card} title="Pages" files=${tableOf(PATH, "top_pages")}><${List} label="Page" values=${get("top_pages")} empty="No page views in these days: put vts.js on your pages." /><//>
    <${Card} title="Referrers" files=${tableOf(PATH, "referrer")}><${List} label="Site" values=${get("views_by_referrer")} empty="No view came from another site." /><//>
    <${Card} title="Devices" files=${tableOf(PATH, "device")}><${List} label="Device" values=${get("views_by_device")} write=${word} empty="No views." /><//>
    <${Card} title="Sources" files=${tableOf(PATH, "source")}><${List} label="Source" values=${get("views_by_source")} write=${word} empty="No views." /><//>
    <${Card} title="Kinds of views" files=${tableOf(PATH, "type")}><${List} label="Kind" values=${get("views_by_type")} write=${word} empty="No views." /><//>
    <${Card} title="Errors" files=${tableOf(PATH, "errors_by_type")}><${List} label="Error" values=${get("errors_by_type")} empty="The host application reported no errors." /><//>`;
}
