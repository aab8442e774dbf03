// A text read by a model, which can be read on, and again from any place in it.

const SNAPSHOT = 32;

/** A model after a text. A way that leaves an earlier text is read from the nearest place whose state was kept. */
class Reader {
  /**
   * @param {Network} model what has `initialState`, `copy` and `step`
   * @param {number} start the id that stands before a text
   * @param {Object} told what a page tells a `Copier`; `fading` is how a memory fades unless the settings say it
   * @param {number} shading over how many characters the memory fades beside which surprises are measured; 0 is none
   */
  constructor(model, start, told, shading = 0) {
    this.model = model;
    this.told = told;
    this.shading = shading;
    this.ids = [];
    /** for each id how surprising it was; see `surprise` */
    this.surprises = [];
    /** the states before ids 0, SNAPSHOT, 2 * SNAPSHOT, ... */
    this.snapshots = [];
    this.state = model.initialState();
    /** the memory for surprises, if any */
    this.shade = null;
    this.move(start);
  }

  /** Read one character; `logits` are then those of the next. */
  move(id) {
    const place = this.ids.length;
    if (place % SNAPSHOT === 0) this.snapshots[place / SNAPSHOT] = this.model.copy(this.state);
    this.ids.push(id);
    this.logits = this.model.step(id, this.state);
  }

  /** Read one character, and measure how surprising it is. */
  advance(id) {
    this.surprises[this.ids.length] ??= surprise(this.shade?.logits ?? this.logits, id);
    this.move(id);
    this.shade?.step(id, this.logits);
  }

  /** Go back to the first `length` ids, one at least. */
  rewind(length) {
    const kept = Math.floor((length - 1) / SNAPSHOT);
    const again = this.ids.slice(kept * SNAPSHOT, length);
    this.state = this.snapshots[kept];
    this.ids.length = kept * SNAPSHOT;
    this.snapshots.length = kept;
    again.forEach((id) => this.move(id));
  }

  /**
   * A memory of the text so far beside the model, or null.
   *
   * It is made anew: that takes some thousandths of the time that the model has taken, which must read again no more
   * than the last word, if that goes on, to tell whether it is being copied.
   * @param {number} fading see `Memory`; 0 is no memory
   * @param {number} temperature see `Copier`
   * @param {Pace} pace
   * @returns {Promise<Copier|null>}
   */
  async remembered(fading, temperature, pace) {
    if (!fading) return null;
    const copier = new Copier(this.told, fading, temperature);
    let last = this.ids.length - 1;
    while (last > 0 && copier.memory.ofWord[this.ids[last]]) last--;
    for (let place = 0; place <= last && !pace.stopped; place++) {
      copier.follow(this.ids[place]);
      await pace.step();
    }
    const word = this.ids.slice(last + 1);
    if (word.length) this.rewind(last + 1);
    copier.hear(this.logits);
    for (let place = 0; place < word.length && !pace.stopped; place++) {
      this.move(word[place]);
      copier.step(word[place], this.logits);
      await pace.step();
    }
    return copier;
  }

  /**
   * Be after a text.
   * @param {number[]} ids
   * @param {Pace} pace
   */
  async read(ids, pace) {
    let same = 0;
    while (same < ids.length && this.ids[same + 1] === ids[same]) same++;
    if (same + 1 < this.ids.length) this.rewind(same + 1);
    this.surprises.length = same + 1;
    this.shade = await this.remembered(this.shading, 1, pace);
    for (; same < ids.length && !pace.stopped; same++) {
      this.advance(ids[same]);
      await pace.step();
    }
  }

  /**
   * Write on.
   * @param {Object} settings the rules of `choose`, and `length`, `seed`, `index` and `memory`: over how many characters
   *   the memory of the text fades, 0 for none; null is a memory of what was read alone, which does not fade
   * @param {number|undefined} end the id that ends a document
   * @param {Pace} pace
   * @param {function(number): void} onId told each id
   * @returns {Promise<string>} why it ended: `length`, `document` or `stopped`
   */
  async write(settings, end, pace, onId) {
    if (!settings.length) return "length";
    const random = new Random(settings.seed, settings.index);
    let copier = await this.remembered(settings.memory ?? this.told.fading, settings.temperature || 1, pace);
    if (settings.memory === null && !copier.memory.close()) copier = null;
    for (let written = 0; written < settings.length; written++) {
      if (pace.stopped) return "stopped";
      const id = choose(copier?.logits ?? this.logits, settings, random.next());
      if (id === end) return "document";
      this.advance(id);
      copier?.step(id, this.logits);
      onId(id);
      await pace.step();
    }
    return "length";
  }
}

/** Work in slices of some milliseconds: between two of them the page draws and hears its reader. */
class Pace {
  /** @param {function(): void} onPause called before every pause */
  constructor(onPause) {
    this.onPause = onPause;
    this.stopped = false;
    this.channel = new MessageChannel();
    this.began = performance.now();
  }

  async step() {
    if (performance.now() - this.began < 12) return;
    this.onPause();
    // a message is heard after what the reader did meanwhile, and unlike a timer it is not delayed
    await new Promise((resume) => {
      this.channel.port1.onmessage = resume;
      this.channel.port2.postMessage(0);
    });
    this.began = performance.now();
  }
}
