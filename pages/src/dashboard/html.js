// The templates of the dashboard: html`<p>…</p>` makes elements of Preact.
import htm from "htm";
import { h } from "preact";

export const html = htm.bind(h);
