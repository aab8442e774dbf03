// A model of the next character beside a memory of the text: textgen/counts/copying.py in JavaScript.

const SURE = 1 - 1e-9;
const LEAST = 1e-200;

/** One text, beside a memory of it. */
class Copier {
  /**
   * @param {Object} told as for `Memory`
   * @param {number[]} told.rates how often a token is copied, by `Memory.gate`
   * @param {number} fading over how many characters the memory fades
   * @param {number} temperature above 0: applies to the model's probabilities and to the choice, which above 1 is left
   *   alone, but not to the memory's probabilities
   */
  constructor(told, fading, temperature) {
    this.memory = new Memory(told, fading);
    this.temperature = temperature;
    this.rates = told.rates.map((rate) => 1 / (1 + (1 / rate - 1) ** Math.max(1, 1 / temperature)));
    /** inside a word, how probable it is that the word is being copied */
    this.copied = 0;
    /** the model's probabilities of the next characters, and how much of them has what is part of no word */
    this.chances = new Float64Array(told.of_token.length);
    this.outside = 1;
    /** the logits of the next characters to both together */
    this.logits = new Float64Array(told.of_token.length);
  }

  /** Read a character without knowing how probable it was; the first one stands before the text. */
  follow(id) {
    if (this.memory.last[0] < 0) this.memory.last = [id, -1];
    else this.memory.add(id);
  }

  /** Read a character, and what the model then says of the next. */
  step(id, logits) {
    this.read(id);
    this.hear(logits);
  }

  /** How probable it is that a token that begins here is copied. */
  rate() {
    return this.memory.begun.size ? this.rates[this.memory.gate] * this.memory.readiness() : 0;
  }

  /** How probable it is that a word ends here. */
  ended() {
    return this.copied * (this.memory.within.get(END) ?? 0) + (1 - this.copied) * this.outside;
  }

  /** Read a character of which the model has told how probable it was. */
  read(id) {
    const { memory } = this;
    const ofWord = memory.ofWord[id];
    const inside = memory.path !== null;
    const chance = this.chances[id];
    let copied, found;
    if (ofWord && inside) {
      copied = this.copied * (memory.within.get(id) ?? 0);
      found = copied + (1 - this.copied) * chance;
    } else {
      const [before, among] = inside ? [this.ended(), this.outside] : [1, 1];
      copied = before * this.rate() * (memory.begun.get(id) ?? 0);
      found = copied + (before * (1 - this.rate()) * chance) / among;
    }
    this.copied = ofWord ? Math.min(copied / Math.max(found, LEAST), SURE) : 0;
    memory.add(id);
  }

  /** The model's logits (V,) of the next character: `logits` are then those that have the probabilities of both. */
  hear(logits) {
    const { chances, temperature, memory } = this;
    const largest = logits.reduce((a, b) => Math.max(a, b));
    let sum = 0;
    for (let id = 0; id < chances.length; id++) sum += chances[id] = Math.exp((logits[id] - largest) / temperature);
    let outside = 0;
    for (let id = 0; id < chances.length; id++) {
      chances[id] /= sum;
      if (!memory.ofWord[id]) outside += chances[id];
    }
    this.outside = Math.max(outside, LEAST);
    this.logits.set(logits);
    this.blend();
  }

  /** Make of the model's logits those of both, where the memory has something to say. */
  blend() {
    const { logits, chances, temperature } = this;
    const { ofWord } = this.memory;
    const [words, others, added] = this.changes();
    if (!added.size) return;
    for (let id = 0; id < logits.length; id++) logits[id] = chances[id] * (ofWord[id] ? words : others);
    for (const [id, share] of added) logits[id] += share;
    for (let id = 0; id < logits.length; id++) logits[id] = Math.log(Math.max(logits[id], LEAST)) * temperature;
  }

  /** Factors for the model's probabilities of characters of a word and of all others, and what is then added to some. */
  changes() {
    const { memory, copied } = this;
    const rate = this.rate();
    const added = new Map();
    if (!memory.path) {
      for (const [id, share] of memory.begun) added.set(id, rate * share);
      return [1 - rate, 1 - rate, added];
    }
    const ended = this.ended();
    for (const [id, share] of memory.within) if (id !== END) added.set(id, copied * share);
    for (const [id, share] of memory.begun) added.set(id, ended * rate * share);
    return [1 - copied, (ended * (1 - rate)) / this.outside, added];
  }
}
