// Questions to the API: one at a time for each place on a page; an answer that is older than a newer question is dropped.
import { useEffect, useRef, useState } from "preact/hooks";
import { returned } from "./line.js";

const AGAIN_MS = 2000; // after a live change, at most so often
const AGAIN_LAST_MS = 15_000; // while changes never stop
const RETRY_MS = 5000; // after a fault that passes
const ANSWER_MS = 30_000; // a line that died without closing never answers

/** What a question is answered when it fails: the status (0: no answer) and the API's text. */
export class Fault extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** A share link's secret, which stands for a session on its page. */
export const shared = { secret: "" };

/**
 * Ask the API.
 *
 * @param {string} path @param {Record<string, string | number | null | undefined>} [params] @param {RequestInit} [how]
 * @returns {Promise<any>} Throws Fault.
 */
export async function ask(path, params = {}, how = {}) {
  const given = Object.entries(params).flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [[name, `${value}`]],
  );
  const query = new URLSearchParams(given).toString();
  /** @type {RequestInit} */
  const usual = shared.secret ? { headers: { "X-VTS-Share": shared.secret }, credentials: "omit" } : {};
  let answer;
  try {
    answer = await fetch(query ? `${path}?${query}` : path, { ...usual, ...how });
  } catch (fault) {
    if (fault instanceof Fault || (fault instanceof DOMException && fault.name === "AbortError")) throw fault;
    throw new Fault(0, "VTS does not answer");
  }
  const body = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Fault(answer.status, body?.error ?? `answered ${answer.status}`);
  return body;
}

/**
 * @typedef {object} Asked
 * @property {any} data the last answer; the former one while a new one is on its way, so that nothing jumps
 * @property {Fault | null} fault
 * @property {boolean} isFormer whether `data` answers an earlier question
 */

/**
 * Ask a question when the component is drawn, when the question changes, when `pulse` does (a live change), and when the
 * line is back.
 *
 * @param {string | null} path null asks nothing
 * @param {Record<string, string | number | null | undefined>} [params] @param {unknown} [pulse] @returns {Asked}
 */
export function useAnswer(path, params = {}, pulse = null) {
  const [asked, set] = useState(
    /** @type {Asked & {key: string}} */ ({ data: null, fault: null, isFormer: true, key: "" }),
  );
  const key = path === null ? "" : `${path}?${JSON.stringify(params)}`;
  const [retries, retry] = useState(0);
  const pulses = usePulse(pulse);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key has path and params; the others ask again
  useEffect(() => {
    if (path === null) return undefined;
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(new Fault(0, "VTS does not answer")), ANSWER_MS);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    ask(path, params, { signal: stop.signal }).then(
      (data) => {
        clearTimeout(late);
        set({ data, fault: null, isFormer: false, key });
      },
      (fault) => {
        clearTimeout(late);
        if (!(fault instanceof Fault)) return;
        set((old) => ({ ...old, data: old.key === key ? old.data : null, fault, key }));
        if (fault.status === 0 || fault.status >= 500) timer = setTimeout(() => retry((n) => n + 1), RETRY_MS);
      },
    );
    return () => {
      stop.abort();
      clearTimeout(late);
      clearTimeout(timer);
    };
  }, [key, pulses, retries, returned.value]);
  return { data: asked.data, fault: asked.fault, isFormer: asked.key !== key };
}

/**
 * Return a number that changes some time after `pulse` did: at once after a quiet time, rarer while it never rests.
 *
 * @param {unknown} pulse
 */
export function usePulse(pulse) {
  const [count, set] = useState(0);
  const state = useRef({ pulse, at: 0, pause: AGAIN_MS, timer: /** @type {any} */ (0), isOwed: false });
  useEffect(() => {
    const now = state.current;
    if (now.pulse === pulse || now.timer) return;
    now.pulse = pulse;
    const since = performance.now() - now.at;
    now.pause = since > AGAIN_LAST_MS ? AGAIN_MS : Math.min(now.pause * 1.3, AGAIN_LAST_MS);
    now.timer = setTimeout(
      () => {
        now.timer = 0;
        now.at = performance.now();
        now.pulse = pulse;
        now.isOwed = document.hidden;
        if (!document.hidden) set((n) => n + 1);
      },
      since > AGAIN_LAST_MS ? 400 : now.pause,
    );
  });
  useEffect(() => {
    const seen = () => {
      if (document.hidden || !state.current.isOwed) return;
      state.current.isOwed = false;
      set((n) => n + 1);
    };
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(state.current.timer);
    };
  }, []);
  return count;
}
