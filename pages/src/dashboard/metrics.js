// What the page of operations reads out of /metrics.

/** @typedef {Map<string, number>} Sample name with labels → value */

/** Read the text that Prometheus reads. @param {string} text @returns {Sample} */
export function readMetrics(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+(?:\{[^}]*\})?) ([-+.\deE]+)$/.exec(line);
    if (match) found.set(match[1], Number(match[2]));
  }
  return found;
}

/** Add up all values of a name, whose labels pass. @param {Sample} values @param {string} name @param {RegExp} [labels] */
export function sum(values, name, labels = /./) {
  let whole = 0;
  for (const [key, n] of values) if (key.split("{")[0] === name && labels.test(key)) whole += n;
  return whole;
}
