// Several experts as one model: textgen/counts/mixture.py in JavaScript.

/**
 * Experts whose logits are added up, each times a weight. To who reads and writes it is a model like `Network`.
 *
 * An expert has `initialState`, `copy` and `step`, as `Network` has. One with a `gate` says by it which of its weights
 * is taken; the weights of one without follow the gate of the first.
 */
class Mixture {
  /**
   * @param {Object[]} experts the first has a gate; they are added up in this order
   * @param {Float32Array[]} weights of each expert, one for each gate
   */
  constructor(experts, weights) {
    this.experts = experts;
    this.weights = weights;
  }

  /** The state before any character. */
  initialState() {
    return this.experts.map((expert) => expert.initialState());
  }

  /** A state that lives on while the one that it was copied from is moved on. */
  copy(state) {
    return this.experts.map((expert, i) => expert.copy(state[i]));
  }

  /** One character further; the logits of the next, valid until the next step. */
  step(id, state) {
    const said = this.experts.map((expert, i) => expert.step(id, state[i]));
    this.logits ??= new Float64Array(said[0].length);
    this.logits.fill(0);
    this.experts.forEach((expert, i) => {
      addWeighted(this.logits, said[i], this.weights[i][expert.gate ?? this.experts[0].gate]);
    });
    return this.logits;
  }
}

/** Add logits times a weight; a product of two float32 is rounded to one, as NumPy does. */
function addWeighted(sums, logits, weight) {
  const rounded = logits instanceof Float32Array ? Math.fround : (value) => value;
  for (let i = 0; i < sums.length; i++) sums[i] += rounded(logits[i] * weight);
}

/**
 * The model of a page: its network, mixed with counts if it has them.
 * @param {Object} told what the page tells of it
 * @param {string} weights base64, see `decodeWeights`
 * @param {string} counts base64, see `unpackColumns`; empty where there are none
 */
async function loadModel(told, weights, counts) {
  const network = new Network(told.config, decodeWeights(told.sizes, weights, told.precision));
  if (!told.counts) return network;
  const { columns, bits, weights: mixed } = told.counts;
  const tables = new Counts(new Contexts(told.counts), await unpackColumns(columns, counts), bits);
  return new Mixture([new CountsExpert(tables), network], mixed.map((column) => Float32Array.from(column)));
}
