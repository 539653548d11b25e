// What pages of statistics have in common: the question for the range, the one before it, and live counts of a topic.
import { useEffect, useState } from "preact/hooks";
import { useAnswer } from "../ask.js";
import { follow } from "../line.js";
import { asked, compared, pick, range } from "../place.js";

/** Breakdowns whose values have days in an answer. */
export const OF_SITE = ["country", "device", "type", "source", "referrer"];
export const OF_VIEWS = [...OF_SITE, "channel", "play_order", "hour_local"];

/** Return the picked value as a question takes it. @param {string[]} names breakdowns that it takes */
export const trendOf = (names) => (pick.value && names.includes(pick.value.name) ? pick.value.text : null);

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
  const now = useAnswer(path, { ...asked.value, ...more }, `${pulse} ${range.value.to}`);
  const { trend_of: _, ...same } = more;
  const former = useAnswer(compared.value && path, { ...compared.value, ...same });
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
export const tableOf = (path, table) => `${path}?${new URLSearchParams({ ...asked.value, table })}`;
