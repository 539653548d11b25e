// A value of a breakdown whose own days are shown beside the whole: chosen in a list or on the map, named by a chip.
import { compact, country, word } from "../format.js";
import { html } from "../html.js";
import { change, choose, pick } from "../place.js";

const ORDERS = /** @type {Record<string, string>} */ ({
  0: "Server's",
  1: "By creation",
  2: "Random",
});
const NAMES = /** @type {Record<string, string>} */ ({
  type: "Kind of view",
  hour_local: "Hour of the viewer's clock",
});

/** Write a play order by its number. @param {string | number} value */
export const playOrder = (value) => ORDERS[value] ?? word(`${value}`);

/** How values of a breakdown are written. */
export const WRITE = /** @type {Record<string, (value: string) => string>} */ ({
  country,
  device: word,
  type: word,
  source: word,
  channel: word,
  play_order: playOrder,
  hour_local: (value) => `${value}:00`,
});

/** Return what makes a list or map choose values of a breakdown. @param {string} name */
export const choosing = (name) => ({
  picked: pick.value?.name === name ? pick.value.value : undefined,
  onPick: (/** @type {string} */ value) => choose(name, value),
});

/** Return how the picked value is called. @param {{name: string, value: string}} one */
export const nameOfPick = ({ name, value }) => (WRITE[name] ?? String)(value);

/** The picked value with its views in the range, and what takes it away. @param {{days: {views: number}[] | undefined}} props */
export function Chip({ days }) {
  const one = pick.value;
  if (!one || !days) return null;
  const views = days.reduce((sum, day) => sum + day.views, 0);
  const title = `Show all views again, not only those of ${nameOfPick(one)}`;
  return html`<button type="button" class="chip" aria-label=${title} title=${title} onClick=${() => change({ pick: null })}>
    ${NAMES[one.name] ?? word(one.name)}: <b>${nameOfPick(one)}</b> <span class="quiet">${compact(views)} views</span> <span aria-hidden="true">×</span>
  </button>`;
}
