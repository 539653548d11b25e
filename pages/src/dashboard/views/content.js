// One content, or all contents of an artist: the same statistics.
import { compact, when, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Chart } from "../parts/chart.js";
import { Card, List } from "../parts/list.js";
import { WorldMap } from "../parts/map.js";
import { EXACT_VIEWERS, Metric } from "../parts/metric.js";
import { Chip, choosing, nameOfPick, WRITE } from "../parts/pick.js";
import { Share } from "../parts/share.js";
import { Answer, Room } from "../parts/states.js";
import { fromFirst, OF_VIEWS, of, tableOf, trendOf, useStats, useTopic } from "../parts/stats.js";
import { pick, route, who } from "../place.js";
import { contentPath } from "./contents.js";

export function Content() {
  const id = route.value.id;
  const path = `/api/post/${encodeURIComponent(id)}/stats`;
  const live = useTopic(`post:${id}`);
  const { now, former } = useStats(path, live?.seq, { trend_of: trendOf(OF_VIEWS) });
  const title = now.data?.title ?? (/^\d+$/.test(id) ? `Content ${id}` : id);
  return html`<${PageBar} title=${title} about=${now.fault && !now.data ? "" : html`<${About} body=${now.data} />`} zone=${now.data}>${now.data && html`<${Share} subject=${{ post_id: now.data.post_id }} />`}<//>
    <${Answer} asked=${now} room=${html`<${Room} metrics=${7} />`}>${(/** @type {any} */ body) => html`<${Statistics} body=${body} former=${former} live=${live} path=${path} />`}<//>`;
}

/** What a content is. @param {{body: any}} props */
function About({ body }) {
  if (!body) return "…";
  const owner = body.owner_id;
  return html`${body.kind ? word(body.kind) : "A content that the host application has not described"}${body.visibility === "private" ? ", private" : ""}${owner !== null && html` by <a href=${`/artist/${encodeURIComponent(owner)}`}>${owner}</a>`}.`;
}

/** @param {{body: any, former: any, live: any, path: string | null}} props `path` of its exports, null for none */
export function Statistics({ body, former, live, path }) {
  const get = of(body, who.value);
  const old = of(former, who.value);
  const days = fromFirst(get("daily_views"), (day) => day.views);
  const past = former ? old("daily_views").slice(-days.length) : null;
  const viewers = get("unique_viewers");
  const imported = get("unique_viewers_imported");
  const impressions = get("total_impressions");
  const trend = body.value_trend && get("value_trend").slice(-days.length);
  const hint = imported ? `${compact(imported)} are of imported days, on each of which a viewer counts anew.` : "";
  const series = [
    { label: "Views", kind: "main", values: days.map((day) => day.views) },
    trend && pick.value
      ? { label: nameOfPick(pick.value), kind: "second", values: trend.map((/** @type {any} */ day) => day.views) }
      : { label: "Unique viewers", kind: "second", values: days.map(viewersOf) },
    ...(past
      ? [{ label: "Views in the days before", kind: "former", values: past.map((/** @type {any} */ day) => day.views) }]
      : []),
  ];
  return html`<div class="metrics">
      <${Metric} name="views" label="Views" n=${get("total_views")} was=${former ? old("total_views") : null} />
      <${Metric} name="unique_viewers" label="Unique viewers" n=${viewers} was=${former ? old("unique_viewers") : null} estimated=${viewers - imported > EXACT_VIEWERS} hint=${hint} />
      ${impressions !== undefined && html`<${Metric} name="impressions" label="Impressions" n=${impressions} was=${former ? old("total_impressions") : null} />`}
      <${Metric} name="viewers_now" label="Viewers now" n=${live?.viewers_now} live=${true} />
      <${Metric} name="views" label="Views today" n=${live?.views_today} live=${true} hint="Today is the UTC day." />
      <${Metric} name="views" label="Views of all time" n=${live?.views} live=${true} />
      <${Metric} name="reactions" label="Reactions, all time" n=${get("total_reactions")} />
      <${Metric} name="comments" label="Comments, all time" n=${get("total_comments")} />
    </div>
    <section class="card wide charted"><header><h2>Views by day</h2><${Chip} days=${trend} /></header>
      <${Chart} title="Views by day" labels=${days.map((day) => day.date)} series=${series}
        note=${get("first_view_at") && `In these days: first view ${when(get("first_view_at"))}, last ${when(get("last_view_at"))}`} />
    </section>
    <div class="cards">
      <${Card} title="Countries" about="views" wide=${true} files=${files("country")}>
        <div class="world"><${WorldMap} values=${get("views_by_country")} ...${choosing("country")} />
          <div><${List} label="Country" shown=${12} values=${get("views_by_country")} of=${get("total_views")} write=${WRITE.country} ...${choosing("country")} empty="No view had a country." /></div></div>
      <//>
      ${breakdown("Channels", "channel", "No player or page has named a channel.")}
      <${Card} title="Playlists" about="views" files=${files("playlist")}><${List} label="Playlist" values=${get("views_by_playlist")} of=${get("total_views")} link=${path ? contentPath : undefined} empty="Not seen in a playlist." /><//>
      ${breakdown("Referrers", "referrer", "No view came from another site.")}
      <div class="cards four">
        ${breakdown("Devices", "device")} ${breakdown("Kinds of views", "type")} ${breakdown("Sources", "source")}
        ${breakdown("Play orders", "play_order", "No player has named a play order.")}
      </div>
      <${Card} title="Hours of the viewers' own clocks" about="views" wide="two" files=${files("hour_local")}><${Hours} values=${get("views_by_hour_local")} /><//>
      <${Card} title="Reactions" about="of all time"><${List} label="Reaction" values=${get("reactions_by_emoji")} empty="No reactions yet." /><//>
    </div>`;

  /** @param {string} name */
  function files(name) {
    return path && tableOf(path, name);
  }

  /** @param {string} title @param {string} name @param {string} [empty] */
  function breakdown(title, name, empty = "No views in these days.") {
    return html`<${Card} title=${title} about="views" files=${files(name)}><${List} label=${title} values=${get(`views_by_${name}`)} of=${get("total_views")} write=${WRITE[name]} ...${choosing(name)} empty=${empty} /><//>`;
  }
}

/** Return a day's viewers; null where an import has brought its views alone. @param {{views: number, unique_viewers: number}} day */
const viewersOf = (day) => day.unique_viewers || (day.views ? null : 0);

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
  <p class="quiet hourscale" aria-hidden="true"><span>0:00</span><span>6:00</span><span>12:00</span><span>18:00</span><span>23:00</span></p>`;
}
