// NumPy's random generator, so that a page draws the numbers that `textgen sample` draws.

/** The largest number drawn; textgen/inference/sampling.py says why it is not 1 - 2**-53. */
const LARGEST_UNIFORM = 1 - 2 ** -52;
const PCG_MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** A BigInt, 0 or more, in words of 32 bits, the lowest first. */
function wordsOf(value) {
  const words = [];
  do {
    words.push(Number(value & 0xffffffffn));
    value >>= 32n;
  } while (value);
  return words;
}

/** What hashes one word after another; each time it multiplies by another constant. */
function hasher(constant, multiplier) {
  return (word) => {
    word ^= constant;
    constant = Math.imul(constant, multiplier);
    word = Math.imul(word, constant);
    return word ^ (word >>> 16);
  };
}

/**
 * `numpy.random.SeedSequence(entropy).generate_state(8)` (O'Neill 2015, "Developing a seed_seq alternative").
 * @param {number[]} entropy four words of 32 bits at most
 * @returns {BigInt[]} eight words
 */
function seedState(entropy) {
  const absorb = hasher(0x43b0d7e5, 0x931e8875);
  const pool = [0, 1, 2, 3].map((i) => absorb(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const mixed = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, absorb(pool[from]));
      pool[to] = mixed ^ ((mixed >>> 0) >>> 16);
    }
  }
  const release = hasher(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: 8 }, (_, i) => BigInt(release(pool[i % 4]) >>> 0));
}

/** `numpy.random.Generator(numpy.random.PCG64((seed, index)))`: PCG-XSL-RR of 128 bits (O'Neill 2014). */
class Random {
  /**
   * @param {BigInt} seed from 0 to 2**63 - 1
   * @param {number} index which of the samples of one seed, from 0
   */
  constructor(seed, index) {
    const [a, b, c, d, e, f, g, h] = seedState([...wordsOf(seed), ...wordsOf(BigInt(index))]);
    const initial = (b << 96n) | (a << 64n) | (d << 32n) | c;
    const sequence = (f << 96n) | (e << 64n) | (h << 32n) | g;
    this.increment = BigInt.asUintN(128, (sequence << 1n) | 1n);
    this.state = this.increment + initial;
    this.advance();
  }

  advance() {
    this.state = BigInt.asUintN(128, this.state * PCG_MULTIPLIER + this.increment);
  }

  /** The next number from [0, LARGEST_UNIFORM]. */
  next() {
    this.advance();
    const folded = BigInt.asUintN(64, this.state ^ (this.state >> 64n));
    const turn = this.state >> 122n;
    const bits = BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
    return Math.min(Number(bits >> 11n) * 2 ** -53, LARGEST_UNIFORM);
  }
}
