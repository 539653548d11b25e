// Countries on a map, darker where more views come from. The list beside it says the same to those who cannot see it.
import { compact, country, number } from "../format.js";
import { html } from "../html.js";
import { PATHS, SIZE } from "../world.js";

const STEPS = 5;

/** Return how dark a country is, 0 to STEPS: by the square root, because one country is often most of all. @param {number} n @param {number} most */
export const step = (n, most) => (n <= 0 ? 0 : Math.max(1, Math.ceil(Math.sqrt(n / most) * STEPS)));

/** @param {{values: Record<string, number>, picked?: string, onPick?: (code: string) => void}} props */
export function WorldMap({ values, picked, onPick }) {
  const most = Math.max(0, ...Object.values(values));
  return html`<figure class="mapped"><svg class="map" viewBox=${`0 0 ${SIZE[0]} ${SIZE[1]}`} role="img" aria-label="Views by country; the list has the numbers">
    ${Object.entries(PATHS).map(([code, path]) => {
      const n = values[code] ?? 0;
      return html`<path key=${code} d=${path} class=${`s${step(n, most)} ${picked === code ? "picked" : ""}`} onClick=${n && onPick ? () => onPick(code) : undefined}>
        <title>${country(code)}: ${number(n)}</title>
      </path>`;
    })}
  </svg>
  ${most > 0 && html`<figcaption class="scale quiet" aria-hidden="true">1 ${[1, 2, 3, 4, 5].map((n) => html`<i class=${`s${n}`}></i>`)} ${compact(most)} views</figcaption>`}</figure>`;
}
