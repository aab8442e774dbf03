// The n-gram counts of a run, and what they say of the next character: textgen/counts/tables.py in JavaScript.

/** What no character is held to be less likely than by the counts. */
const SMALLEST = 1e-9;

/**
 * The columns that textgen/export/packed_counts.py has packed.
 * @param {Object<string, [number, number]>} sizes for each column its length, and how many bytes a value has
 * @param {string} base64 a gzip file of the columns, in which the lowest bytes of all values stand first
 * @returns {Promise<Object<string, Uint32Array>>}
 */
async function unpackColumns(sizes, base64) {
  const packed = new Blob([decodeBase64(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  let at = 0;
  const column = ([length, width]) => {
    const values = new Uint32Array(length);
    for (let shift = 0; shift < 8 * width; shift += 8) {
      for (let i = 0; i < length; i++) values[i] |= bytes[at++] << shift;
    }
    return values;
  };
  return Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, column(size)]));
}

/** Where each of some parts begins, by their lengths; and at the end where the last one ends. */
function startsOf(lengths) {
  const starts = new Uint32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) starts[i + 1] = starts[i] + lengths[i];
  return starts;
}

/** The tables, and a look-up in them. */
class Counts {
  /**
   * @param {Contexts} contexts
   * @param {Object<string, Uint32Array>} columns from `unpackColumns`
   * @param {number} bits how many bits of its hash a context has besides those of its bucket
   */
  constructor(contexts, columns, bits) {
    this.contexts = contexts;
    this.bits = bits;
    const float16 = float16Values();
    /** patterns: what is left to a shorter context, and the shares of the characters that follow */
    this.left = Float64Array.from(columns.left, (value) => float16[value]);
    this.shares = Float64Array.from(columns.shares, (value) => float16[value]);
    this.sharesStart = startsOf(columns.lengths);
    /** contexts, in buckets by the first bits of their hashes: further bits, pattern, and the characters that follow */
    this.bucketStart = startsOf(columns.buckets);
    this.bucketBits = Math.log2(columns.buckets.length);
    this.hashes = columns.hashes;
    this.patterns = columns.patterns;
    this.symbols = columns.symbols;
    this.symbolsStart = startsOf(columns.patterns.map((pattern) => columns.lengths[pattern]));
    const size = contexts.values.length;
    /** the bits of a hash in which no id would fit */
    this.high = ~(2 ** Math.ceil(Math.log2(size)) - 1);
    this.probabilities = new Float64Array(size);
  }

  /** The place of a context in the tables, or -1. */
  find([upper, lower]) {
    const shift = this.bucketBits;
    const bucket = upper >>> (32 - shift);
    const hash = ((upper << shift) | ((lower & this.high) >>> (32 - shift))) >>> (32 - this.bits);
    for (let at = this.bucketStart[bucket]; at < this.bucketStart[bucket + 1]; at++) {
      if (this.hashes[at] === hash) return at;
    }
    return -1;
  }

  /**
   * What follows a chain of contexts.
   * @param {[number, number][]} keys from `ContextReader.keys`
   * @returns {number} the deepest level that is known; `probabilities` are then those of the next character
   */
  estimate(keys) {
    const { probabilities, symbols, shares } = this;
    const places = keys.map((key) => this.find(key));
    // what is left of a level's shares by all the levels after it
    const weights = Array(keys.length).fill(1);
    let left = 1;
    for (let level = keys.length - 1; level >= 0; level--) {
      weights[level] = left;
      if (places[level] >= 0) left *= this.left[this.patterns[places[level]]];
    }
    // the additions have NumPy's order, so each sum has the bits that it has there
    probabilities.fill(0);
    places.forEach((place, level) => {
      if (place < 0) return;
      let share = this.sharesStart[this.patterns[place]];
      for (let at = this.symbolsStart[place]; at < this.symbolsStart[place + 1]; at++) {
        probabilities[symbols[at]] += shares[share++] * weights[level];
      }
    });
    const uniform = left / probabilities.length;
    for (let id = 0; id < probabilities.length; id++) probabilities[id] += uniform;
    return places.findLastIndex((place) => place >= 0);
  }
}

/** The counts as an expert of a `Mixture`. */
class CountsExpert {
  /** @param {Counts} counts */
  constructor(counts) {
    this.counts = counts;
    this.logits = new Float64Array(counts.probabilities.length);
    /** which weights the mixture takes: by the place in the word, and the deepest level known */
    this.gate = 0;
  }

  initialState() {
    return new ContextReader(this.counts.contexts);
  }

  copy(state) {
    return state.copy();
  }

  /** One character further; the log-probabilities of the next, valid until the next step. */
  step(id, state) {
    state.add(id);
    const keys = state.keys();
    this.gate = state.place() * keys.length + this.counts.estimate(keys);
    this.counts.probabilities.forEach((probability, next) => {
      this.logits[next] = Math.log(Math.max(probability, SMALLEST));
    });
    return this.logits;
  }
}
