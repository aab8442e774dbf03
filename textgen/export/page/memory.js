// A memory of one text: which words stood in it, and after what: textgen/counts/memory.py in JavaScript.

const LEVELS = 5;
const END = -1;
const DISCOUNT = 0.3;
const LIFETIME = 6;
const FEW = 40;
const BEGINNING = [0, 1];
const AFTER_WORD = [1, 0];
const NOTHING = new Map();

/** A context, which is a pair as in `Contexts`, as a key of a map: 53 of its bits. */
function keyOf([upper, lower]) {
  return upper * 2 ** 21 + (lower >>> 11);
}

/** The memory of a text that is read character by character. */
class Memory {
  /**
   * @param {Object} told what a page tells of its characters
   * @param {string} told.of_token for each id 1 if its character makes words with its neighbours, otherwise 0
   * @param {number} told.line_end the id of the line end
   * @param {number} told.space the id of the space, or -1
   * @param {number} told.document_end the id of the end of a document, or -1
   * @param {number} fading over how many characters what was read fades to 1/e of its weight
   */
  constructor(told, fading) {
    this.told = told;
    this.ofWord = Array.from(told.of_token, (flag) => flag === "1");
    this.fading = fading;
    /** for each context what followed it, ids or END, with their weights */
    this.table = new Map();
    /** whether nothing more is remembered; then nothing fades */
    this.closed = false;
    /** characters since all weights were last scaled; what is read now weighs e**(clock / fading) */
    this.clock = 0;
    /** the tokens that have been read */
    this.held = 0;
    /** the last id, and the one before it */
    this.last = [-1, -1];
    /** the last whole tokens, the newest first */
    this.before = [];
    /** inside a word its contexts, each with the word so far, from the shortest; otherwise null */
    this.path = null;
    /** the contexts of a token that begins here */
    this.starts = [BEGINNING];
    /** inside a word, how it goes on: ids or END, with their probabilities */
    this.within = NOTHING;
    /** with which character a token begins here, should one begin */
    this.begun = NOTHING;
    /** where a token begins here, and the longest context of `begun` */
    this.gate = 0;
  }

  /** Remember nothing more. Returns whether there is anything to remember. */
  close() {
    this.closed = true;
    return this.table.size > 0;
  }

  /** How ready it is to give a token here, up to 1: where the context has no word, by how much it holds. */
  readiness() {
    const words = this.before.slice(0, this.gate % LEVELS).some((token) => token.isWord);
    return this.path || words ? 1 : this.held / (this.held + FEW);
  }

  /** Read a character. */
  add(id) {
    const ofWord = this.ofWord[id];
    if (!this.closed) this.remember(ofWord ? id : END, id);
    const value = [0, id];
    if (ofWord) {
      this.path = (this.path ?? this.starts).map((key) => mix(key, value));
    } else {
      const ended = this.path ? [Object.assign([...this.path[0]], { isWord: true })] : [];
      this.before = [value, ...ended, ...this.before].slice(0, LEVELS);
      this.path = null;
    }
    this.last = [id, this.last[0]];
    this.recall();
  }

  /** Count a character, and how the word goes on with it if there is one. */
  remember(goesOn, id) {
    if (this.path) this.count(this.path, goesOn);
    if (!this.path || goesOn === END) {
      this.count(this.starts, id);
      this.held++;
    }
    this.clock++;
    if (this.clock > LIFETIME * this.fading) this.forget();
  }

  /** What the memory says of the next character. */
  recall() {
    const { path } = this;
    this.within = path ? this.successors(path)[0] : NOTHING;
    let key = path ? mix(AFTER_WORD, path[0]) : BEGINNING;
    this.starts = [key, ...this.before.slice(0, LEVELS - 1).map((token) => (key = mix(key, token)))];
    const [begun, level] = this.successors(this.starts);
    this.begun = begun;
    this.gate = this.place() * LEVELS + Math.max(level, 0);
  }

  /** Where a token begins here: at a blank line or a text's start, in a new line, after a space, after a word, elsewhere. */
  place() {
    const [last, before] = this.last;
    const { line_end, space, document_end } = this.told;
    if (last === -1 || last === document_end) return 0;
    if (last === line_end) return [-1, last, document_end].includes(before) ? 0 : 1;
    if (last === space) return 2;
    return this.ofWord[last] ? 3 : 4;
  }

  /** What follows contexts, from the shortest to the longest, and the last of them that is known, -1 for none. */
  successors(keys) {
    const nodes = [];
    for (const key of keys) {
      const node = this.table.get(keyOf(key));
      if (!node) break;
      nodes.push(node);
    }
    if (!nodes.length) return [NOTHING, -1];
    const found = new Map();
    let left = 1;
    for (let level = nodes.length - 1; level >= 0; level--) {
      let total = 0;
      if (nodes[level].size > 1) for (const weight of nodes[level].values()) total += weight;
      const share = level ? left * (1 - DISCOUNT) : left;
      for (const [id, weight] of nodes[level]) {
        found.set(id, (found.get(id) ?? 0) + (total ? weight * (share / total) : share));
      }
      left *= DISCOUNT;
    }
    return [found, nodes.length - 1];
  }

  /** A character, or END, has followed contexts. */
  count(keys, id) {
    const now = Math.exp(this.clock / this.fading);
    for (const pair of keys) {
      const key = keyOf(pair);
      const node = this.table.get(key);
      if (!node) {
        // longer contexts wait until this one comes again
        this.table.set(key, new Map([[id, now]]));
        break;
      }
      node.set(id, now);
    }
  }

  /** Scale all weights, so that none grows beyond a float, and drop those that have faded. */
  forget() {
    const scale = Math.exp(-this.clock / this.fading);
    const least = Math.exp(-LIFETIME - 0.5 / this.fading);
    for (const [key, node] of this.table) {
      for (const [id, weight] of node) {
        if (weight * scale >= least) node.set(id, weight * scale);
        else node.delete(id);
      }
      if (!node.size) this.table.delete(key);
    }
    this.clock = 0;
  }
}
