// What pages of statistics have in common: the question for the range, the one before it, and live counts of a topic.
import { useEffect, useState } from "preact/hooks";
import { useAnswer } from "../ask.js";
import { follow } from "../line.js";
import { compared, range } from "../place.js";

/**
 * Follow a live topic; null until its first message, and where there is none to follow.
 *
 * @param {string | null} topic @returns {import("../line.js").Message | null}
 */
export function useTopic(topic) {
  const [message, set] = useState(/** @type {import("../line.js").Message | null} */ (null));
  useEffect(() => {
    set(null);
    return topic === null ? undefined : follow(topic, set);
  }, [topic]);
  return message;
}

/**
 * Ask a question about the range, anew after each live change, and the same about the days before when they are asked for.
 *
 * @param {string} path @param {unknown} pulse @param {Record<string, any>} [more]
 */
export function useStats(path, pulse, more = {}) {
  const { from, to } = range.value;
  const now = useAnswer(path, { from, to, ...more }, pulse);
  const former = useAnswer(compared.value && path, { ...compared.value, ...more });
  return { now, former: compared.value ? former.data : null };
}

/** Return the fields of an answer that a page shows: those of all viewers, or of signed-in ones. @param {any} body @param {string} who */
export const of = (body, who) => (/** @type {string} */ name) => body?.[`${name}${who}`] ?? body?.[name];

/** Leave out the empty days before the first of a long range. @param {any[]} days @param {(day: any) => number} count */
export function fromFirst(days, count) {
  const first = days.findIndex((day) => count(day) > 0);
  return first > 0 && days.length > 400 ? days.slice(first) : days;
}

/** Return the path of a question's table in the range. @param {string} path @param {string} table */
export const tableOf = (path, table) => `${path}?from=${range.value.from}&to=${range.value.to}&table=${table}`;
