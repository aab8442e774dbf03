// Logits to ids, and to surprises: the rules of textgen/inference/sampling.py, in the same order and in float64.

const LIKELIEST = 3;

/**
 * The id of the next character under all rules.
 * @param {Float32Array} logits
 * @param {{temperature: number, topK: number, topP: number, minP: number}} rules
 * @param {number} uniform from [0, LARGEST_UNIFORM]; temperature 0 does not look at it
 */
function choose(logits, rules, uniform) {
  if (rules.temperature === 0) return likeliest(logits, 1)[0];
  let kept = applyTemperature(logits, rules.temperature);
  if (rules.topK) kept = keepTopK(kept, rules.topK);
  if (rules.topP < 1) kept = keepTopP(kept, rules.topP);
  if (rules.minP > 0) kept = keepMinP(kept, rules.minP);
  return draw(kept, uniform);
}

/** Divide by a temperature above 0; the largest logit becomes 0. */
function applyTemperature(logits, temperature) {
  const divided = new Float64Array(logits);
  const largest = logits.reduce((a, b) => Math.max(a, b));
  for (let id = 0; id < divided.length; id++) divided[id] = (divided[id] - largest) / Math.max(temperature, 1e-100);
  return divided;
}

/** Keep the k likeliest; among equals the lower id. */
function keepTopK(logits, k) {
  return keepOnly(logits, byLikelihood(logits).slice(0, k));
}

/** Keep the fewest likeliest characters that together have probability p. */
function keepTopP(logits, p) {
  const weights = logits.map(Math.exp);
  const total = weights.reduce((a, b) => a + b);
  const kept = [];
  let sum = 0;
  for (const id of byLikelihood(logits)) {
    if (kept.length && sum >= p) break;
    kept.push(id);
    sum += weights[id] / total;
  }
  return keepOnly(logits, kept);
}

/** Keep the characters whose probability is at least p times the likeliest one's, whose logit is 0. */
function keepMinP(logits, p) {
  return logits.map((logit) => (logit >= Math.log(p) ? logit : -Infinity));
}

function byLikelihood(logits) {
  return Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
}

function keepOnly(logits, ids) {
  const kept = new Float64Array(logits.length).fill(-Infinity);
  for (const id of ids) kept[id] = logits[id];
  return kept;
}

/** The id at which the cumulative probabilities pass a number from [0, LARGEST_UNIFORM]. The largest logit must be 0. */
function draw(logits, uniform) {
  let sum = 0;
  const cumulative = logits.map((logit) => (sum += Math.exp(logit)));
  let id = 0;
  while (cumulative[id] <= uniform * sum) id++;
  return id;
}

/** The ids of the `count` largest logits, the largest first; among equals the lower id. */
function likeliest(logits, count) {
  const best = [];
  for (let id = 0; id < logits.length; id++) {
    if (best.length === count && !(logits[id] > logits[best[count - 1]])) continue;
    let place = best.length;
    while (place && logits[id] > logits[best[place - 1]]) place--;
    best.splice(place, 0, id);
    best.length = Math.min(best.length, count);
  }
  return best;
}

/** The bits of a character under logits, and the ids that were likeliest in its place. */
function surprise(logits, id) {
  const best = likeliest(logits, LIKELIEST);
  const largest = logits[best[0]];
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - largest);
  return { bits: (Math.log(total) - (logits[id] - largest)) / Math.LN2, likeliest: best };
}
