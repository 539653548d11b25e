// A chart of days or hours, and the same as a table: a canvas says nothing to a keyboard or a screen reader.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { compact, date, number, wholeDate } from "../format.js";
import { html } from "../html.js";
import { nowMs } from "../place.js";

const HEIGHT = 220;
const DARK = matchMedia("(prefers-color-scheme: dark)");

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {(number | null)[]} values
 * @property {"main" | "second" | "former"} kind
 */

/** @param {string} name */
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * @param {string[]} labels days (YYYY-MM-DD) or times of hours @param {Series[]} series @param {number} width
 * @param {((n: number) => string) | undefined} write
 * @returns {import("uplot").Options}
 */
function options(labels, series, width, write) {
  const axis = {
    stroke: color("--quiet"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui",
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 22, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max) * 1.08] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_, at) => at.map((n) => (Number.isInteger(n) && labels[n] ? shortOf(labels[n]) : "")),
        space: 70,
        size: 26,
        incrs: [1, 2, 3, 4, 6, 7, 14, 28, 56, 91, 182, 365, 730],
      },
      {
        ...axis,
        size: write ? 64 : 48,
        values: (_, at) => at.map((n) => write?.(n) ?? (Number.isInteger(n) ? compact(n) : "")),
      },
    ],
    series: [
      {},
      ...series.map(({ label, kind }) => ({
        label,
        stroke: color(kind === "main" ? "--mark" : kind === "second" ? "--second" : "--quiet"),
        width: kind === "former" ? 1 : 2,
        dash: kind === "former" ? [4, 4] : undefined,
        fill: kind === "main" ? color("--wash") : undefined,
        points: { show: labels.length < 3 },
      })),
    ],
  };
}

/** @param {string} label */
const shortOf = (label) =>
  label.length === 10
    ? date(label)
    : new Date(label).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
/** @param {string} label */
const longOf = (label) =>
  label.length === 10
    ? wholeDate(label)
    : new Date(label).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Shade the day that is not over, so that its few views are not read as a fall. @param {string} today */
const shading =
  (today) =>
  (/** @type {{labels: string[]}} */ { labels }, /** @type {uPlot} */ own) => {
    const last = labels.length - 1;
    if (last < 1 || labels[last] !== today) return;
    const left = own.valToPos(last - 1, "x", true);
    own.ctx.fillStyle = color("--tint");
    own.ctx.fillRect(left, own.bbox.top, own.valToPos(last, "x", true) - left, own.bbox.height);
  };

/** @param {{title: string, labels: string[], series: Series[], note?: string, write?: (n: any) => string}} props */
export function Chart({ title, labels, series, note, write }) {
  const today = new Date(nowMs.value).toISOString().slice(0, 10);
  const isOpen = labels.length > 1 && labels.at(-1) === today;
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const tip = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {uPlot | null} */ (null));
  const shape = `${labels.length} ${labels[0]} ${series.map((one) => one.kind + one.label).join()}`;
  const data = /** @type {import("uplot").AlignedData} */ ([
    labels.map((_, n) => n),
    ...series.map((one) => one.values),
  ]);
  const shown = useRef({ labels, series });
  shown.current = { labels, series };
  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot is made anew when its shape changes, its data is set below
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const draw = () => {
      plot.current?.destroy();
      const width = Math.max(240, element.clientWidth);
      plot.current = new uPlot(
        {
          ...options(shown.current.labels, shown.current.series, width, write),
          hooks: { setCursor: [tell], drawClear: [shadeToday] },
        },
        data,
        element,
      );
    };
    const shadeToday = (/** @type {uPlot} */ own) => shading(today)(shown.current, own);
    const tell = (/** @type {uPlot} */ own) => {
      const n = own.cursor.idx;
      const note = tip.current;
      if (!note) return;
      note.hidden = n === null || n === undefined || !shown.current.labels[n];
      if (note.hidden || n === null || n === undefined) return;
      const lines = shown.current.series.map((one) => `${one.label}: ${(write ?? number)(one.values[n])}`);
      note.textContent = [longOf(shown.current.labels[n]), ...lines].join("\n");
      const left = own.valToPos(n, "x");
      note.style.left = `${Math.min(left + 56, element.clientWidth - note.offsetWidth - 4)}px`;
    };
    draw();
    const sized = new ResizeObserver(() => {
      const width = Math.max(240, element.clientWidth);
      if (plot.current && plot.current.width !== width) plot.current.setSize({ width, height: HEIGHT });
    });
    sized.observe(element);
    DARK.addEventListener("change", draw);
    return () => {
      sized.disconnect();
      DARK.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data));
  return html`<figure class="chart">
    <figcaption>
      <span class="legend">
        ${series.map(({ label, kind }) => html`<span class=${`key ${kind}`}><i aria-hidden="true"></i>${label}</span>`)}
        ${isOpen && html`<span class="key today"><i aria-hidden="true"></i>Today, not over</span>`}
    </span>
      ${note && html`<small>${note}</small>`}
    </figcaption>
    <div class="plot" ref=${place} aria-hidden="true"><div class="tip" ref=${tip} hidden></div></div>
    <details class="twin">
      <summary>${title} as a table</summary>
      <div class="scroll" tabindex="0" role="region" aria-label=${title}>
        <table>
          <caption class="unseen">${title}</caption>
          <thead><tr><th scope="col">When</th>${series.map(({ label }) => html`<th scope="col" class="n">${label}</th>`)}</tr></thead>
          <tbody>
            ${labels.map((label, n) => html`<tr><th scope="row">${shortOf(label)}</th>${series.map(({ values }) => html`<td class="n">${(write ?? number)(values[n])}</td>`)}</tr>`)}
          </tbody>
        </table>
      </div>
    </details>
  </figure>`;
}
