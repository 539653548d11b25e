// One number with its name, its change against the days before, and a glow when it moves.
import { useEffect, useRef } from "preact/hooks";
import { change, compact, number } from "../format.js";
import { html } from "../html.js";
import { Term } from "./definitions.js";

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
 * @property {boolean} [live]
 * @property {() => void} [onPick] shows it in the chart
 * @property {boolean} [picked]
 */

/** @param {MetricProps} props */
export function Metric({ name, label, n, was, write, estimated, live, onPick, picked }) {
  const moved = was === null || was === undefined || n === null || n === undefined ? null : change(n, was);
  const inside = html`<span class="name"
      >${live && html`<i class="dot" aria-hidden="true"></i>`}<${Term} name=${name}>${label}<//></span
    >
    <span class="value">${estimated && html`<abbr title="estimated, 0.8 % off at most times">≈</abbr>`}<${Live} n=${n} write=${write} />
      ${moved && html`<small class=${(n ?? 0) < (was ?? 0) ? "down" : "up"} title=${`${number(was)} in the days before`}>${moved}</small>`}
    </span>`;
  return onPick
    ? html`<div class=${`metric pick ${picked ? "picked" : ""}`}>
        ${inside}<button type="button" aria-pressed=${Boolean(picked)} aria-label=${`Show ${label} in the chart`} onClick=${onPick}></button>
      </div>`
    : html`<div class="metric">${inside}</div>`;
}
