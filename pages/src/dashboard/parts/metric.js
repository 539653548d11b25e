// One number with its name, its change against the days before, and a glow when it moves.
import { useEffect, useRef } from "preact/hooks";
import { change, compact, number } from "../format.js";
import { html } from "../html.js";
import { Term } from "./definitions.js";

export const EXACT_VIEWERS = 1500; // above, viewers are estimated
const SKETCH_ERROR = 0.008; // one standard deviation of the estimate

/**
 * A number that glows once when it changes.
 *
 * @param {{n: number | null | undefined, write?: (n: any) => string}} props
 */
export function Live({ n, write = compact }) {
  const seen = useRef(n);
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const had = seen.current;
    seen.current = n;
    if (had === n || had === null || had === undefined || !element.current) return;
    element.current.classList.remove("glow");
    void element.current.offsetWidth; // begins the animation anew
    element.current.classList.add("glow");
  }, [n]);
  return html`<b ref=${element} title=${typeof n === "number" ? number(n) : undefined}>${write(n)}</b>`;
}

/**
 * @typedef {object} MetricProps
 * @property {string} name of the definition
 * @property {string} label
 * @property {number | null | undefined} n
 * @property {number | null | undefined} [was] the same of the days before
 * @property {(n: any) => string} [write]
 * @property {boolean} [estimated]
 * @property {string} [hint] what else its definition says here
 * @property {boolean} [less] whether less of it is better
 * @property {boolean} [live]
 * @property {() => void} [onPick] shows it in the chart
 * @property {boolean} [picked]
 */

/** @param {MetricProps} props */
export function Metric({ name, label, n, was, write, estimated, hint, less, live, onPick, picked }) {
  const moved = was === null || was === undefined || n === null || n === undefined ? null : change(n, was);
  const inside = html`<span class="name"
      >${live && html`<i class="dot" aria-hidden="true"></i>`}<${Term} name=${name} more=${hint}>${label}<//></span
    >
    <span class="value">${estimated && html`<abbr title="estimated">≈</abbr>`}<${Live} n=${n} write=${write} />${estimated && html`<small class="quiet" title="One standard deviation: two in three estimates are closer">±${compact(Math.max(1, Math.round((n ?? 0) * SKETCH_ERROR)))}</small>`}
      ${moved && html`<small class=${n === was ? "quiet" : (n ?? 0) < (was ?? 0) === Boolean(less) ? "up" : "down"} title=${`${write ? write(was) : number(was)} in the days before`}>${moved}</small>`}
    </span>`;
  return onPick
    ? html`<div class=${`metric pick ${picked ? "picked" : ""}`}>
        ${inside}<button type="button" aria-pressed=${Boolean(picked)} aria-label=${`Show ${label} in the chart`} onClick=${onPick}></button>
      </div>`
    : html`<div class="metric">${inside}</div>`;
}
