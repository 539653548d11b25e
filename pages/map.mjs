// Draws the world map of the dashboard once: `node map.mjs` writes src/dashboard/world.js, which is committed.
// Borders are those of Natural Earth (public domain) in the package world-atlas, 1:50 million, made simpler until a
// country is a few points: the map is as wide as a column of a page.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { geoEqualEarth, geoPath } from "d3-geo";
import countries from "i18n-iso-countries";
import { feature } from "topojson-client";
import { filter, filterWeight, presimplify, simplify, sphericalTriangleArea } from "topojson-simplify";

const WIDTH = 720;
const HEIGHT = 350;
const DETAIL = 1.6e-4; // of a sphere's triangle (steradians): about what one pixel shows
const ISLAND = 1.2e-5; // smaller rings are left out, unless a country has no larger one
const ANTARCTICA = "AQ"; // a third of the height, and hardly anyone looks from there

const folder = import.meta.dirname;
const atlas = JSON.parse(readFileSync(join(folder, "node_modules/world-atlas/countries-50m.json"), "utf8"));
const simple = simplify(presimplify(atlas, sphericalTriangleArea), DETAIL);
const drawn = filter(simple, filterWeight(simple, ISLAND, sphericalTriangleArea));
const projection = geoEqualEarth().rotate([-11, 0]);
const codeOf = (one) => countries.numericToAlpha2(one.id) ?? { Kosovo: "XK" }[one.properties.name];
const shapes = feature(drawn, drawn.objects.countries).features.filter(
  (one) => codeOf(one) && codeOf(one) !== ANTARCTICA,
);
const whole = feature(atlas, atlas.objects.countries).features;
projection.fitSize([WIDTH, HEIGHT], { type: "FeatureCollection", features: shapes.filter((one) => one.geometry) });
const path = geoPath(projection).digits(0);

/** @type {Record<string, string>} */
const paths = {};
for (const shape of whole) {
  const code = codeOf(shape);
  if (!code || code === ANTARCTICA) continue;
  const found = shapes.find((one) => one.id === shape.id && one.properties.name === shape.properties.name);
  const line = found?.geometry ? path(found) : null;
  const [x, y] = path.centroid(shape).map(Math.round);
  // A country that the map's detail swallows is a dot of its own, so that its views can be seen.
  const text = line && line.length > 12 ? line : `M${x - 1},${y}a1,1,0,1,0,2,0a1,1,0,1,0,-2,0`;
  paths[code] = (paths[code] ?? "") + text;
}
const lines = Object.entries(paths)
  .sort()
  .map(([code, line]) => `  ${code}: "${line}",`);
writeFileSync(
  join(folder, "src/dashboard/world.js"),
  `// Made by map.mjs. Borders: Natural Earth, public domain.\nexport const SIZE = [${WIDTH}, ${HEIGHT}];\n` +
    `/** ISO 3166-1 alpha-2 → path of SVG. @type {Record<string, string>} */\nexport const PATHS = {\n${lines.join("\n")}\n};\n`,
);
console.log(`${lines.length} countries`);
