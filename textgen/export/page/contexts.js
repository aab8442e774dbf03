// What stands before a character, as a chain of hashes: textgen/counts/contexts.py in JavaScript.
// A number of 64 bits is a pair of its upper and its lower 32 bits, both from 0 to 2**32 - 1.

const MULTIPLIER = [0x9e3779b9, 0x7f4a7c15];
const INCREMENT = [0x2545f491, 0x4f6cdd1d];
const BASE = [0x5851f42d, 0x4c957f2d];
const PLACES = 7;
const LONGEST_RUN = 127;

/** The sum of two pairs. */
function sum64(a, b) {
  const low = a[1] + b[1];
  return [(a[0] + b[0] + (low > 0xffffffff ? 1 : 0)) >>> 0, low >>> 0];
}

/** The product of two pairs, its lower 64 bits. */
function product64(a, b) {
  const [low, high] = [b[1] & 0xffff, b[1] >>> 16];
  const [aLow, aHigh] = [a[1] & 0xffff, a[1] >>> 16];
  const middle = aHigh * low + ((aLow * low) >>> 16);
  const other = aLow * high + (middle & 0xffff);
  const carried = aHigh * high + (middle >>> 16) + (other >>> 16);
  return [(carried + Math.imul(a[0], b[1]) + Math.imul(a[1], b[0])) >>> 0, Math.imul(a[1], b[1]) >>> 0];
}

/** A hash of a hash and a value. */
function mix(key, value) {
  const mixed = sum64([(key[0] ^ value[0]) >>> 0, (key[1] ^ value[1]) >>> 0], INCREMENT);
  const [high, low] = product64(mixed, MULTIPLIER);
  return [(high ^ (high >>> 29)) >>> 0, (low ^ ((high << 3) | (low >>> 29))) >>> 0];
}

/** The chain of contexts over a vocabulary. */
class Contexts {
  /**
   * @param {Object} told what a page tells of it
   * @param {number} told.order how many runs of equal characters the chain looks back
   * @param {string} told.of_word for each id 1 if its character is part of a word, otherwise 0
   * @param {Object<string, number>} told.folded an id -> the id of its character in lower case
   * @param {number} told.line_end the id of the line end
   * @param {number} told.document_end the id of the end of a document, or -1
   */
  constructor(told) {
    this.order = told.order;
    this.ofWord = Array.from(told.of_word, (flag) => flag === "1");
    this.values = this.ofWord.map((_, id) => mix([0, 0], [0, told.folded[id] ?? id]));
    this.lineEnd = told.line_end;
    this.documentEnd = told.document_end;
  }
}

/** The contexts of a text that is read character by character. */
class ContextReader {
  constructor(contexts) {
    this.contexts = contexts;
    this.last = -1;
    /** how many times in turn the last character stands there */
    this.run = 0;
    /** the last runs as pairs, the newest first */
    this.runs = Array(contexts.order).fill([0, 0]);
    /** the word, or what stands between words, as far as it has come; the next power of its base; its length */
    this.hash = [0, 0];
    this.power = [0, 1];
    this.length = 0;
    /** the last two whole words, the newer first */
    this.words = [[0, 0], [0, 0]];
  }

  /** A reader that goes on by itself from here. */
  copy() {
    return Object.assign(Object.create(ContextReader.prototype), this);
  }

  /** Read a character. */
  add(id) {
    const { ofWord, values } = this.contexts;
    const { last } = this;
    const before = id === last ? this.runs.slice(1) : this.runs.slice(0, -1);
    this.run = id === last ? this.run + 1 : 1;
    this.runs = [[0, (id + 1) * (LONGEST_RUN + 1) + Math.min(this.run, LONGEST_RUN)], ...before];
    if (last >= 0 && ofWord[last] === ofWord[id]) {
      this.hash = sum64(this.hash, product64(values[id], this.power));
      this.power = product64(this.power, BASE);
      this.length++;
    } else {
      if (last >= 0 && ofWord[last]) this.words = [this.hash, this.words[0]];
      this.hash = values[id];
      this.power = BASE;
      this.length = 1;
    }
    this.last = id;
  }

  /** The contexts before the next character, from the shortest to the longest, as pairs. */
  keys() {
    let key = [0, 0];
    const longer = [...this.runs, mix(this.hash, this.runs[0]), ...this.words].map((value) => (key = mix(key, value)));
    return [[0, 0], ...longer];
  }

  /** Where the next character stands, from 0 to PLACES - 1. */
  place() {
    const { last, run, contexts } = this;
    if (last === -1 || last === contexts.documentEnd || (last === contexts.lineEnd && run > 1)) return 0;
    if (last === contexts.lineEnd) return 1;
    return 2 + Math.min(contexts.ofWord[last] ? this.length : 0, PLACES - 3);
  }
}
