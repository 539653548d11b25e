// How players show contents: views, time and conversion by channel and play order, and the hours of the week.
import { useAnswer } from "../ask.js";
import { compact, duration, percent, word } from "../format.js";
import { html } from "../html.js";
import { PageBar } from "../parts/bar.js";
import { Term } from "../parts/definitions.js";
import { Heatmap } from "../parts/heatmap.js";
import { Card } from "../parts/list.js";
import { Answer, Empty } from "../parts/states.js";
import { of, tableOf, useTopic } from "../parts/stats.js";
import { range, who } from "../place.js";

const ORDERS = /** @type {Record<string, string>} */ ({
  0: "The server's",
  1: "As created",
  2: "Random",
  server: "The server's",
  created: "As created",
  random: "Random",
});

export function Channels() {
  const { from, to } = range.value;
  const site = useTopic("site");
  const channels = useAnswer("/api/admin/channels", { from, to }, site?.seq);
  const orders = useAnswer("/api/admin/play-orders", { from, to }, site?.seq);
  const hours = useAnswer("/api/admin/peak-hours", { from, to }, site?.seq);
  return html`<${PageBar} title="Channels" about="Where players and pages found what they showed." />
    <div class="cards">
      <${Card} title="Channels" wide=${true} files=${tableOf("/api/admin/channels", "channels")}>
        <${Answer} asked=${channels}>${(/** @type {any} */ body) => html`<${Engaged} rows=${of(body, who.value)("channels")} field="channel" label="Channel" />`}<//>
      <//>
      <${Card} title="Play orders" wide=${true} files=${tableOf("/api/admin/play-orders", "play_orders")}>
        <${Answer} asked=${orders}>${(/** @type {any} */ body) => html`<${Engaged} rows=${of(body, who.value)("play_orders")} field="play_order" label="Play order" />`}<//>
      <//>
      <${Card} title="Hours of the week" wide=${true} files=${tableOf("/api/admin/peak-hours", "weekday_and_hour")}>
        <p class="quiet">By the viewers' own clocks: a view at nine in the evening stands at 21, wherever it was.</p>
        <${Answer} asked=${hours}>
          ${(/** @type {any} */ body) => {
            const cells = of(body, who.value)("views_by_weekday_and_hour") ?? of(body, who.value)("weekday_hours");
            const some = cells?.flat().some((/** @type {number} */ n) => n > 0);
            return some
              ? html`<${Heatmap} title="Views by weekday and hour" cells=${cells} />`
              : html`<${Empty}>No viewer has told its clock. Players do with each view.<//>`;
          }}
        <//>
      <//>
    </div>`;
}

/** @param {{rows: any[] | undefined, field: string, label: string}} props */
function Engaged({ rows, field, label }) {
  if (!rows?.length) return html`<${Empty}>Players and pages have named none in these days.<//>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="rows">
    <thead><tr><th scope="col">${label}</th><th scope="col" class="n"><${Term} name="views">Views<//></th><th scope="col" class="n"><${Term} name="unique_viewers">Viewers<//></th>
      <th scope="col" class="n"><${Term} name="dwell">Time a view<//></th><th scope="col" class="n">Time in all</th><th scope="col" class="n"><${Term} name="conversion">Opened<//></th></tr></thead>
    <tbody>${rows.map(
      (
        row,
      ) => html`<tr key=${row[field]}><th scope="row">${field === "channel" ? word(row.channel) : (ORDERS[row.name ?? row.play_order] ?? row.play_order)}</th>
        <td class="n">${compact(row.views)}</td><td class="n">${compact(row.unique_viewers)}</td><td class="n">${duration(row.dwell_seconds_per_view)}</td>
        <td class="n">${duration(row.dwell_seconds)}</td><td class="n">${percent(row.conversion_rate)}</td></tr>`,
    )}</tbody></table></div>`;
}
