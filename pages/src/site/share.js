// The page of a share link: the dashboard's statistics of one content or artist. The secret is in the page's path; it is
// sent in a header, and a ticket stands for it on the WebSocket.
import { render } from "preact";
import { ask, shared, useAnswer } from "../dashboard/ask.js";
import { aboutArtist, fullDate, word } from "../dashboard/format.js";
import { html } from "../dashboard/html.js";
import { OPEN_WITHIN_MS, state, watchLine, withTickets } from "../dashboard/line.js";
import { PageBar } from "../dashboard/parts/bar.js";
import { LineState } from "../dashboard/parts/line_state.js";
import { Answer, Room } from "../dashboard/parts/states.js";
import { OF_VIEWS, trendOf, useStats, useTopic } from "../dashboard/parts/stats.js";
import { followHistory } from "../dashboard/place.js";
import { Statistics } from "../dashboard/views/content.js";

const root = /** @type {HTMLElement} */ (document.getElementById("dashboard"));
shared.secret = location.pathname.split("/")[2] ?? "";
withTickets(async () => {
  const signal = AbortSignal.timeout(OPEN_WITHIN_MS); // a line that died without closing never answers
  return (await ask("/api/share/ticket", {}, { method: "POST", signal })).ticket;
});

function Shared() {
  const what = useAnswer("/api/share");
  const live = useTopic(what.data?.topic ?? null);
  const { now, former } = useStats("/api/share/stats", live?.seq, { trend_of: trendOf(OF_VIEWS) });
  const about =
    now.data && (what.data?.kind === "artist" ? aboutArtist(now.data) : `${word(now.data.kind ?? "content")}.`);
  const until = what.data ? `Shared until ${fullDate(what.data.expires_at)}.` : "…";
  return html`<header class="top"><span class="brand">VTS</span><span class="quiet shared">Statistics, shared by a link</span><${LineState} state=${state.value} /></header>
    <main id="page">
      <${PageBar} title=${root.dataset.name} about=${`${about ?? ""} ${until}`} zone=${now.data} />
      <${Answer} asked=${now} room=${html`<${Room} metrics=${8} />`}>
        ${(/** @type {any} */ body) => html`<${Statistics} body=${body} former=${former} live=${live} path=${null} />`}
      <//>
    </main>`;
}

followHistory();
watchLine();
render(html`<${Shared} />`, root);
