// How players show contents: views, time and conversion by channel and play order, and the hours of the week.
import { useAnswer } from "../ask.js";
import { change as changeOf, compact, duration, number, percent, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Term } from "../parts/definitions.js";
import { Heatmap, weekOf } from "../parts/heatmap.js";
import { Card } from "../parts/list.js";
import { playOrder } from "../parts/pick.js";
import { Answer, Empty } from "../parts/states.js";
import { tableOf, useStats, useTopic } from "../parts/stats.js";
import { asked, who } from "../place.js";

export function Channels() {
  const site = useTopic("site");
  const channels = useStats("/api/admin/channels", site?.seq);
  const orders = useStats("/api/admin/play-orders", site?.seq);
  const hours = useAnswer("/api/admin/peak-hours", asked.value, site?.seq);
  return html`<${PageBar} title="Channels" about="Where players and pages found what they showed." />
    <div class="cards">
      <${Card} title="Channels" wide=${true} files=${tableOf("/api/admin/channels", "channels")}>
        <${Answer} asked=${channels.now} lines=${9}>${(/** @type {any} */ body) => html`<${Engaged} rows=${body.channels} former=${channels.former?.channels} field="channel" label="Channel" />`}<//>
      <//>
      <${Card} title="Play orders" wide=${true} files=${tableOf("/api/admin/play-orders", "play_orders")}>
        <${Answer} asked=${orders.now} lines=${4}>${(/** @type {any} */ body) => html`<${Engaged} rows=${body.play_orders} former=${orders.former?.play_orders} field="play_order" label="Play order" />`}<//>
      <//>
      <${Card} title="Views by hour of the week" wide=${true} files=${tableOf("/api/admin/peak-hours", "weekday_hours")}>
        <p class="quiet">By the viewers' own clocks: a view at nine in the evening stands at 21, wherever it was. Players send their clock with each view.</p>
        <${Answer} asked=${hours} lines=${8}>
          ${(/** @type {any} */ body) => {
            const cells = weekOf(body.weekday_hours, who.value);
            return cells.flat().some((n) => n > 0)
              ? html`<${Heatmap} title="Views by weekday and hour" cells=${cells} />`
              : html`<${Empty}>No view of these days came with a clock.<//>`;
          }}
        <//>
      <//>
    </div>`;
}

/** @param {{rows: any[] | undefined, former: any[] | undefined, field: string, label: string}} props */
function Engaged({ rows, former, field, label }) {
  if (!rows?.length) return html`<${Empty}>Players and pages have named none in these days.<//>`;
  const most = Math.max(1, ...rows.map((row) => row[`views${who.value}`]));
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`${label}, in numbers`}><table class="rows">
    <thead><tr><th scope="col">${label}</th><th scope="col" class="n"><${Term} name="views">Views<//></th><th scope="col" class="n"><${Term} name="unique_viewers">Viewers<//></th>
      <th scope="col" class="n"><${Term} name="dwell">Time per view<//></th><th scope="col" class="n"><${Term} name="dwell">Time in all<//></th><th scope="col" class="n"><${Term} name="conversion">Opened after it was seen<//></th></tr></thead>
    <tbody>${rows.map((row) => {
      const get = (/** @type {string} */ name) => row[`${name}${who.value}`];
      const old = former?.find((one) => one[field] === row[field])?.[`views${who.value}`] ?? 0;
      const moved = former && changeOf(get("views"), old);
      return html`<tr key=${row[field]}><th scope="row">${field === "channel" ? word(row.channel) : playOrder(row.play_order)}<i class="under" style=${`width:${(get("views") / most) * 100}%`} aria-hidden="true"></i></th>
        <td class="n" title=${number(get("views"))}>${compact(get("views"))}${moved && html` <small class=${get("views") < old ? "down" : "up"} title=${`${number(old)} in the days before`}>${moved}</small>`}</td>
        <td class="n">${compact(get("unique_viewers"))}</td><td class="n">${duration(get("dwell_seconds_per_view"))}</td>
        <td class="n">${duration(get("dwell_seconds"))}</td><td class="n">${percent(get("conversion_rate"))}</td></tr>`;
    })}</tbody></table></div>`;
}
