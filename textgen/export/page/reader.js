// A text read by a model, which can be read on, and again from any place in it.

const SNAPSHOT = 32;

/** A model after a text. A way that leaves an earlier text is read from the nearest place whose state was kept. */
class Reader {
  /**
   * @param {Network} model what has `initialState`, `copy` and `step`
   * @param {number} start the id that stands before a text
   */
  constructor(model, start) {
    this.model = model;
    this.ids = [];
    /** for each id how surprising it was; see `surprise` */
    this.surprises = [];
    /** the states before ids 0, SNAPSHOT, 2 * SNAPSHOT, ... */
    this.snapshots = [];
    this.state = model.initialState();
    this.advance(start);
  }

  /** Read one character; `logits` are then those of the next. */
  advance(id) {
    const place = this.ids.length;
    if (place % SNAPSHOT === 0) this.snapshots[place / SNAPSHOT] = this.model.copy(this.state);
    if (place) this.surprises[place] ??= surprise(this.logits, id);
    this.ids.push(id);
    this.logits = this.model.step(id, this.state);
  }

  /** Go back to the first `length` ids, one at least. */
  rewind(length) {
    const kept = Math.floor((length - 1) / SNAPSHOT);
    const again = this.ids.slice(kept * SNAPSHOT, length);
    this.state = this.snapshots[kept];
    this.ids.length = kept * SNAPSHOT;
    this.snapshots.length = kept;
    this.surprises.length = length;
    again.forEach((id) => this.advance(id));
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
    for (; same < ids.length && !pace.stopped; same++) {
      this.advance(ids[same]);
      await pace.step();
    }
  }

  /**
   * Write on.
   * @param {Object} settings the rules of `choose`, and `length`, `seed` and `index`
   * @param {number|undefined} end the id that ends a document
   * @param {Pace} pace
   * @param {function(number): void} onId told each id
   * @returns {Promise<string>} why it ended: `length`, `document` or `stopped`
   */
  async write(settings, end, pace, onId) {
    const random = new Random(settings.seed, settings.index);
    for (let written = 0; written < settings.length; written++) {
      if (pace.stopped) return "stopped";
      const id = choose(this.logits, settings, random.next());
      if (id === end) return "document";
      this.advance(id);
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
