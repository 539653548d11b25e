// The whole site: for moderators.
import { useAnswer } from "../ask.js";
import { compact, duration, percent, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Chart } from "../parts/chart.js";
import { Card, List } from "../parts/list.js";
import { WorldMap } from "../parts/map.js";
import { EXACT_VIEWERS, Metric } from "../parts/metric.js";
import { Chip, choosing, nameOfPick, WRITE } from "../parts/pick.js";
import { Answer, Room } from "../parts/states.js";
import { fromFirst, OF_SITE, of, tableOf, trendOf, useStats, useTopic } from "../parts/stats.js";
import { address, asked, change, pick, range, who } from "../place.js";
import { ContentTable } from "./contents.js";

const PATH = "/api/admin/sitewide-stats";
/** @typedef {{name: string, label: string, field: string, about?: boolean, less?: boolean, write?: (n: any) => string}} Count */
/** What stands above the chart: name in the answer, label, field of a day, whether it is estimated. */
const METRICS = /** @type {Count[]} */ ([
  { name: "total_views", label: "Views", field: "views" },
  { name: "unique_viewers", label: "Unique viewers", field: "unique_viewers", about: true },
  { name: "page_views", label: "Page views", field: "page_views" },
  { name: "unique_visitors", label: "Visitors", field: "unique_visitors", about: true },
  { name: "visits", label: "Visits", field: "visits" },
  { name: "pages_per_visit", label: "Pages per visit", field: "pages_per_visit", write: decimal },
  { name: "seconds_per_visit", label: "Time per visit", field: "seconds_per_visit", write: duration },
  { name: "bounce_rate", label: "Bounce rate", field: "bounce_rate", write: percent, less: true },
  { name: "signups", label: "Signups", field: "signups" },
  { name: "posts", label: "Uploads", field: "posts" },
  { name: "api_calls", label: "API calls", field: "api_calls" },
  { name: "errors", label: "Errors", field: "errors", less: true },
]);
const HOURLY = ["views", "page_views"];

/** Return how many contents a list of so many days may have (docs/api.md). @param {number} days */
const longest = (days) => Math.min(100, Math.floor(40_000 / days));

/** @param {number | null | undefined} n */
function decimal(n) {
  return n === null || n === undefined ? "–" : n.toLocaleString(undefined, { maximumFractionDigits: 1 });
}

/**
 * Return the points of a chart of an answer; null for what is not known of a day.
 *
 * @param {any} body @param {string} suffix @param {string} field @param {boolean} hourly @returns {[string, number | null][]}
 */
function points(body, suffix, field, hourly) {
  const get = of(body, suffix);
  if (hourly) return get("hourly_trend").map((/** @type {any} */ one) => [one.hour, one[field]]);
  return fromFirst(get("daily_trend"), (day) => day.views + day.page_views).map((day) => [
    day.date,
    day[field] ?? null,
  ]);
}

export function Overview() {
  const site = useTopic("site");
  const { now, former } = useStats(PATH, site?.seq, { limit: 100, trend_of: trendOf(OF_SITE) });
  const top = useAnswer("/api/top", { ...asked.value, limit: 10 }, site?.seq);
  const channels = useAnswer("/api/admin/channels", asked.value, site?.seq);
  return html`<${PageBar} title="Overview" about="The whole site." zone=${now.data} />
    <${Answer} asked=${now} room=${html`<${Room} metrics=${13} />`}>
      ${(/** @type {any} */ body) => html`<${Totals} body=${body} former=${former} site=${site} />`}
    <//>
    <div class="cards">
      <${Card} title="Top contents" wide=${true} files=${`/api/top?${new URLSearchParams({ ...asked.value, limit: `${longest(range.value.days)}` })}`}>
        <${Answer} asked=${top} lines=${11}>${(/** @type {any} */ body) => html`<${ContentTable} rows=${body.posts} />`}<//>
      <//>
      <${Answer} asked=${now} lines=${8}>${(/** @type {any} */ body) => html`<${Breakdowns} body=${body} channels=${channels} />`}<//>
    </div>`;
}

/** The numbers, and the chart of the chosen one. @param {{body: any, former: any, site: any}} props */
function Totals({ body, former, site }) {
  const get = of(body, who.value);
  const old = of(former, who.value);
  const chosen = METRICS.find(({ field }) => field === address.value.searchParams.get("metric")) ?? METRICS[0];
  const hourly = range.value.name === "today" && HOURLY.includes(chosen.field);
  const line = points(body, who.value, chosen.field, hourly);
  const trend = body.value_trend && get("value_trend");
  const series = [{ label: chosen.label, kind: "main", values: line.map(([, n]) => n) }];
  if (chosen.field === "views" && !hourly) {
    const second = trend ?? get("daily_trend");
    const values = second.slice(-line.length).map((/** @type {any} */ day) => (trend ? day.views : day.unique_viewers));
    series.push({ label: trend && pick.value ? nameOfPick(pick.value) : "Unique viewers", kind: "second", values });
  }
  if (former && !hourly) {
    const past = points(former, who.value, chosen.field, false).slice(-line.length);
    series.push({ label: "Days before", kind: "former", values: past.map(([, n]) => n) });
  }
  const by = hourly ? "by hour, last 24 hours" : "by day";
  return html`<div class="metrics many">
      ${METRICS.slice(0, 2).map(metric)}
      <${Metric} name="viewers_now" label="Viewers now" n=${site?.viewers_now} live=${true} />
      ${METRICS.slice(2).map(metric)}
    </div>
    <section class="card wide charted"><header><h2>${chosen.label} ${by}</h2><${Chip} days=${trend} /></header>
      <${Chart} title=${`${chosen.label} ${by}`} labels=${line.map(([at]) => at)} series=${series} write=${chosen.write} />
    </section>`;

  /** @param {Count} one */
  function metric({ name, label, field, about, less, write }) {
    const n = get(name);
    const imported = name === "unique_viewers" ? get("unique_viewers_imported") : 0;
    const hint = imported ? `${compact(imported)} are of imported days, on each of which a viewer counts anew.` : "";
    return html`<${Metric} key=${name} name=${name === "total_views" ? "views" : name} label=${label} n=${n} was=${former ? old(name) : null}
      estimated=${about && n - imported > EXACT_VIEWERS} hint=${hint} less=${less} write=${write} picked=${chosen.field === field}
      onPick=${() => change({ metric: field === "views" ? null : field })} />`;
  }
}

/** @param {{body: any, channels: import("../ask.js").Asked}} props */
function Breakdowns({ body, channels }) {
  const get = of(body, who.value);
  const whole = get("total_views");
  return html`<${Card} title="Countries" wide=${true} files=${tableOf(PATH, "country")}>
      <div class="world"><${WorldMap} values=${get("views_by_country")} ...${choosing("country")} />
        <div><${List} label="Country" shown=${12} values=${get("views_by_country")} of=${whole} write=${WRITE.country} ...${choosing("country")} empty="No view had a country." /></div></div>
    <//>
    <${Card} title="Pages" about="page views" files=${tableOf(PATH, "top_pages")}><${List} label="Page" values=${get("top_pages")} of=${get("page_views")} empty="No page views in these days: put vts.js on your pages." /><//>
    ${views("Referrers", "referrer", "No view came from another site.")}
    <${Card} title="Channels" about="views" files=${tableOf("/api/admin/channels", "channels")}>
      <${Answer} asked=${channels} lines=${8}>
        ${(/** @type {any} */ answer) =>
          html`<${List} label="Channel" values=${Object.fromEntries((of(answer, who.value)("channels") ?? []).map((/** @type {any} */ one) => [one.channel, one[`views${who.value}`]]))}
            of=${whole} write=${word} link=${() => "/channels"} empty="Players and pages have named no channel in these days." />`}
      <//>
    <//>
    <div class="cards four">${views("Devices", "device")} ${views("Kinds of views", "type")} ${views("Sources", "source")}
      <${Card} title="Errors" about="by kind" files=${tableOf(PATH, "errors_by_type")}><${List} label="Error" values=${get("errors_by_type")} empty="The host application reported no errors." /><//>
    </div>`;

  /** @param {string} title @param {string} name @param {string} [empty] */
  function views(title, name, empty = "No views in these days.") {
    return html`<${Card} title=${title} about="views" files=${tableOf(PATH, name)}><${List} label=${title} values=${get(`views_by_${name}`)} of=${whole} write=${WRITE[name]} ...${choosing(name)} empty=${empty} /><//>`;
  }
}
