// The page tracker: page views, one intentional view of the page's content, impressions, and own views by `vts(…)`.
// It stays below 1,024 bytes gzipped (a test holds it), so constants stand where they are used, and what only some
// pages need is a file of its own. docs/integrate.md describes its attributes.
(async () => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const data = script.dataset;
  const base = new URL(data.api || ".", script.src);
  const referrer = document.referrer;
  const offline = "offline" in data && (await import(`${base}vts-offline.js`).catch(() => 0));
  /** @type {object[]} */
  const queue = [];
  /** @type {unknown} */
  let path;
  /** @type {unknown} */
  let viewed;
  let changes = 0;

  /** @param {string} name @param {object} event */
  const send = (name, event, body = JSON.stringify(event)) =>
    offline.keep?.(base + name, body) ||
    navigator.sendBeacon?.(base + name, body) ||
    fetch(base + name, { method: "POST", body, keepalive: true }).catch(() => 0);

  // 99 events of a page have at most 40 KB: browsers send 64 KB of a page that is left.
  const flush = () => {
    while (queue[0]) send("api/view", queue.splice(0, 99));
  };

  /** @type {import("../types.ts").Vts} */
  const vts = (what, more) => {
    // The visitor's own wish, by a link to one of these anchors. Storage that is blocked keeps no wish.
    try {
      if (/^#vts-(ignore|count)$/.test(location.hash)) localStorage.vts = location.hash;
      if (/g/.test(localStorage.vts)) return;
    } catch {}
    if (what && !("respect" in data && (navigator.globalPrivacyControl || navigator.doNotTrack === "1"))) {
      // A UUID of version 7: what is sent twice counts once, on the day on which it happened.
      const event_id = `0${Date.now().toString(16)}-7xxx-8xxx-xxxxxxxxxxxx`
        .replace(/x/g, () => (crypto.getRandomValues(new Uint8Array(1))[0] & 15).toString(16))
        .replace(/.{8}/, "$&-");
      const event = { event_id, ...more };
      if (/^\//.test(what)) send("api/track/page-view", { path: what, ...event });
      else if (queue.push({ post_id: what, ...event }) < 2) setTimeout(flush, 1000);
    }
  };

  /**
   * Call `then` after a time in which the page was visible throughout, unless `isDue` has become false.
   *
   * @param {number} ms @param {() => unknown} isDue @param {() => void} then
   */
  const wait = (ms, isDue, then, before = changes) => {
    setTimeout(() => isDue() && (before === changes && !document.hidden ? then() : wait(ms, isDue, then)), ms);
  };

  const shown = new IntersectionObserver(
    (entries) => {
      /** @type {import("../types.ts").Entry[]} */ (entries).forEach((entry) => {
        const { target } = entry;
        const { vtsPost } = target.dataset;
        target.vtsEntry = entry;
        if (entry.intersectionRatio >= 0.5)
          wait(
            1000,
            () => entry === target.vtsEntry && vtsPost !== target.vtsPost,
            () => {
              target.vtsPost = vtsPost;
              vts(vtsPost, { view_type: "listing" });
            },
          );
      });
    },
    { threshold: 0.5 },
  );

  const look = () => {
    document.querySelectorAll("[data-vts-post]").forEach((element) => shown.observe(element));
  };

  const page = () => vts(!document.hidden && path !== (path = location.pathname) && path, { referrer });

  /** @param {{type?: string}} event */
  const change = (event) => {
    changes++;
    flush();
    page();
    wait(
      2000,
      () => !viewed,
      () => {
        viewed = 1;
        vts(data.postId, { referrer });
      },
    );
    if (event.type === "pagehide") path = viewed = 0; // a page that comes back is looked at anew
  };

  /** @type {const} */ (["pushState", "replaceState"]).forEach((name) => {
    const original = history[name];
    history[name] = (...values) => {
      original.apply(history, values);
      page();
    };
  });
  ["popstate", "pageshow", "pagehide", "visibilitychange"].forEach((name) => addEventListener(name, change));
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  window.vts?.q?.forEach((call) => vts(...call));
  window.vts = vts;
  look();
  change(data);
})();
