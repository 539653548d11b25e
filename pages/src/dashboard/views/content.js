// One content, or all contents of an artist: the same statistics.
import { country, when, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Chart } from "../parts/chart.js";
import { Card, List } from "../parts/list.js";
import { WorldMap } from "../parts/map.js";
import { Metric } from "../parts/metric.js";
import { Answer } from "../parts/states.js";
import { fromFirst, of, tableOf, useStats, useTopic } from "../parts/stats.js";
import { route, who } from "../place.js";

const EXACT_VIEWERS = 1500;
const ORDERS = /** @type {Record<string, string>} */ ({ 0: "The server's", 1: "As created", 2: "Random" });

export function Content() {
  const id = route.value.id;
  const path = `/api/post/${encodeURIComponent(id)}/stats`;
  const live = useTopic(`post:${id}`);
  const { now, former } = useStats(path, live?.seq);
  const title = now.data?.title ?? (/^\d+$/.test(id) ? `Content ${id}` : id);
  return html`<${PageBar} title=${title} about=${"One content."} />
    <${Answer} asked=${now} lines=${8}>${(/** @type {any} */ body) => html`<${Statistics} body=${body} former=${former} live=${live} path=${path} />`}<//>`;
}

/** @param {{body: any, former: any, live: any, path: string}} props */
export function Statistics({ body, former, live, path }) {
  const get = of(body, who.value);
  const old = of(former, who.value);
  const days = fromFirst(get("daily_views"), (day) => day.views);
  const past = former ? old("daily_views").slice(-days.length) : null;
  const viewers = get("unique_viewers");
  const series = [
    { label: "Views", kind: "main", values: days.map((day) => day.views) },
    { label: "Unique viewers", kind: "second", values: days.map((day) => day.unique_viewers) },
    ...(past
      ? [{ label: "Views in the days before", kind: "former", values: past.map((/** @type {any} */ day) => day.views) }]
      : []),
  ];
  return html`<div class="metrics">
      <${Metric} name="views" label="Views" n=${get("total_views")} was=${former ? old("total_views") : null} />
      <${Metric} name="unique_viewers" label="Unique viewers" n=${viewers} was=${former ? old("unique_viewers") : null} estimated=${viewers > EXACT_VIEWERS} />
      <${Metric} name="viewers_now" label="Viewers now" n=${live?.viewers_now} live=${true} />
      <${Metric} name="views" label="Views today" n=${live?.views_today} live=${true} />
      <${Metric} name="views" label="Views of all time" n=${live?.views} live=${true} />
      <${Metric} name="reactions" label="Reactions" n=${get("total_reactions")} />
      <${Metric} name="comments" label="Comments" n=${get("total_comments")} />
    </div>
    <section class="card wide"><header><h2>Views by day</h2></header>
      <${Chart} title="Views by day" labels=${days.map((day) => day.date)} series=${series}
        note=${get("first_view_at") && `First view ${when(get("first_view_at"))}, last ${when(get("last_view_at"))}`} />
    </section>
    <div class="cards">
      <${Card} title="Countries" wide=${true} files=${tableOf(path, "country")}>
        <div class="world"><${WorldMap} values=${get("views_by_country")} />
          <${List} label="Country" values=${get("views_by_country")} of=${get("total_views")} write=${country} empty="No view had a country." /></div>
      <//>
      ${breakdown("Devices", "device", "No views.", word)} ${breakdown("Kinds of views", "type", "No views.", word)}
      ${breakdown("Sources", "source", "No views.", word)} ${breakdown("Referrers", "referrer", "No view came from another site.")}
      ${breakdown("Channels", "channel", "No player or page has named a channel.", word)}
      ${breakdown("Playlists", "playlist", "Not seen in a playlist.")}
      ${breakdown("Play orders", "play_order", "No player has named a play order.", (value) => ORDERS[value] ?? word(value))}
      <${Card} title="Hours of the viewers' own clocks" files=${tableOf(path, "hour_local")}><${Hours} values=${get("views_by_hour_local")} /><//>
      <${Card} title="Reactions"><${List} label="Reaction" values=${get("reactions_by_emoji")} empty="No reactions yet." /><//>
    </div>`;

  /** @param {string} title @param {string} name @param {string} empty @param {(value: string) => string} [write] */
  function breakdown(title, name, empty, write) {
    return html`<${Card} title=${title} files=${tableOf(path, name)}><${List} label=${title} values=${get(`views_by_${name}`)} of=${get("total_views")} write=${write} empty=${empty} /><//>`;
  }
}

/** @param {{values: Record<string, number>}} props */
function Hours({ values = {} }) {
  const most = Math.max(1, ...Object.values(values));
  return html`<table class="hours"><caption class="unseen">Views by hour</caption>
    <tbody><tr>
      ${Array.from({ length: 24 }, (_, hour) => {
        const n = values[hour] ?? 0;
        return html`<td title=${`${hour}:00 to ${hour}:59: ${n}`}><i style=${`height:${(n / most) * 100}%`}></i><span class="unseen">${hour}:00: ${n}</span></td>`;
      })}
    </tr></tbody>
  </table>
  <p class="quiet hourscale" aria-hidden="true"><span>0:00</span><span>12:00</span><span>23:00</span></p>`;
}
