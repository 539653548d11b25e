// What is being looked at this moment: contents with viewers now, and the last views, live.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { nameOf } from "../../site/live.js";
import { country, time, word } from "../format.js";
import { html } from "../html.js";
import { Card } from "../parts/list.js";
import { Live, Metric } from "../parts/metric.js";
import { Empty, Loading } from "../parts/states.js";
import { useTopic } from "../parts/stats.js";
import { contentPath } from "./contents.js";
import { decided, watchDecided } from "./decided.js";

const SHOWN = 30;
const started = signal(0);

export function Now() {
  const top = useTopic("top");
  const site = useTopic("site");
  useEffect(() => {
    started.value = Date.now();
    return watchDecided();
  }, []);
  const posts = /** @type {any[]} */ (top?.posts ?? []);
  const titles = new Map(posts.map((one) => [`${one.post_id}`, nameOf(one)]));
  const watched = posts.filter((one) => one.viewers_now > 0).sort((a, b) => b.viewers_now - a.viewers_now);
  const counted = decided.value.filter((one) => one.outcome === "accepted" && one.post_id !== null).slice(0, SHOWN);
  return html`<div class="pagebar"><div class="titles"><h1>Now</h1><p class="quiet">The last five minutes. Today means the UTC day.</p></div></div>
    <div class="metrics">
      <${Metric} name="viewers_now" label="Viewers now" n=${site?.viewers_now} live=${true} />
      <${Metric} name="views" label="Views today" n=${site?.views_today} live=${true} />
      <${Metric} name="unique_viewers" label="Viewers today" n=${site?.unique_viewers_today} live=${true} />
    </div>
    <div class="cards">
      <${Card} title="Being looked at" wide=${true}>
        ${
          !top
            ? html`<${Loading} />`
            : watched.length
              ? html`<div class="board">${watched.map(
                  (one) =>
                    html`<a key=${one.post_id} href=${contentPath(one.post_id)}><span>${nameOf(one)}</span><${Live} n=${one.viewers_now} /><small>now</small><${Live} n=${one.views_today} /><small>today</small></a>`,
                )}</div>`
              : html`<${Empty}>No content has a viewer at this moment. A view appears here within a second.<//>`
        }
      <//>
      <${Card} title="Last views" wide=${true}>
        ${
          counted.length
            ? html`<div class="scroll" tabindex="0" role="region" aria-label="Last views"><table class="rows"><thead><tr><th scope="col">Time</th><th scope="col">Content</th><th scope="col">Country</th><th scope="col">Device</th><th scope="col">Kind</th></tr></thead>
                <tbody>${counted.map(
                  (
                    one,
                  ) => html`<tr key=${one.key}><td>${time(one.at)}</td><th scope="row"><a href=${contentPath(one.post_id)}>${titles.get(`${one.post_id}`) ?? nameOf(one)}</a></th>
                    <td>${one.country ? country(one.country) : "–"}</td><td>${word(one.device ?? "–")}</td><td>${word(one.event_type ?? "")}, ${word(one.source)}</td></tr>`,
                )}</tbody></table></div>`
            : html`<${Empty}>Views are listed here from the moment this page is open.<//>`
        }
      <//>
    </div>`;
}
