// What stands in the place of an answer: while it comes, when there is none, when it failed.
import { html } from "../html.js";

/** @param {{lines?: number}} props */
export const Loading = ({ lines = 3 }) =>
  html`<div class="loading" role="status" aria-label="Loading">
    ${Array.from({ length: lines }, () => html`<i></i>`)}
  </div>`;

/** The room of numbers and a chart, so that nothing below moves when they come. @param {{metrics?: number, chart?: boolean}} props */
export const Room = ({ metrics = 7, chart = true }) =>
  html`<div role="status" aria-label="Loading">
    ${metrics > 0 && html`<div class="metrics">${Array.from({ length: metrics }, () => html`<div class="metric"><span class="name"> </span><span class="value">…</span></div>`)}</div>`}
    ${chart && html`<section class="card wide charted"></section>`}
  </div>`;

/** @param {{children?: any}} props */
export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/** @param {{fault: import("../ask.js").Fault}} props */
export function Failed({ fault }) {
  const [what, hint] =
    fault.status === 401
      ? ["You are signed out.", html`<a href="/login">Sign in</a> to see this.`]
      : fault.status === 403
        ? ["This is not yours to see.", "Ask its owner for a share link."]
        : fault.status === 404
          ? ["There is no such thing.", "It was deleted, or the address is wrong."]
          : fault.status === 0 || fault.status >= 500
            ? ["VTS does not answer.", "This page asks again every few seconds."]
            : ["The question was refused.", fault.message];
  return html`<p class="failed" role="alert"><strong>${what}</strong> ${hint}</p>`;
}

/**
 * Draw `children` with the data of a question, or what stands in its place.
 *
 * @param {{asked: import("../ask.js").Asked, lines?: number, room?: any, children: (data: any) => any}} props
 */
export function Answer({ asked, lines, room, children }) {
  if (asked.data === null) {
    if (asked.fault) return html`<${Failed} fault=${asked.fault} />`;
    return room ?? html`<${Loading} lines=${lines} />`;
  }
  return html`<div class=${asked.isFormer ? "waiting" : ""}>
    ${asked.fault && html`<${Failed} fault=${asked.fault} />`}${children(asked.data)}
  </div>`;
}
