// The ways a text was written: a tree, in which a way leaves an earlier one at some place, and the order of seeing them.

/**
 * @typedef {Object} Way
 * @property {Way|null} parent the way that it leaves; null for one from the box
 * @property {number[]} before the ids that it was told to continue
 * @property {number[]} written the ids that it added
 * @property {Object[]} surprises of `before` and `written` together
 * @property {Object} settings those of `Reader.write`
 */

class Ways {
  constructor() {
    /** all of them, the oldest first */
    this.all = [];
    /** those looked at, and which of them is shown */
    this.seen = [];
    this.place = -1;
  }

  get current() {
    return this.seen[this.place];
  }

  /** Begin a way and show it. */
  add(before, settings, parent = null) {
    const way = { parent, before, written: [], surprises: [], settings };
    this.all.push(way);
    this.show(way);
    return way;
  }

  /** Look at a way; what lay ahead by `step(1)` no longer does. */
  show(way) {
    this.seen.length = this.place + 1;
    if (this.current !== way) this.place = this.seen.push(way) - 1;
  }

  canStep(by) {
    return this.place + by >= 0 && this.place + by < this.seen.length;
  }

  /** Back (-1) or forward (1). */
  step(by) {
    if (this.canStep(by)) this.place += by;
  }

  /** The way whose own characters a place in the shown text belongs to; null before the first that was written. */
  owner(place) {
    let way = this.current;
    while (way && place <= way.before.length) way = way.parent;
    return way ?? null;
  }

  /** How often the same has been asked for: the next answer is another sample of the same seed. */
  timesAsked(before, settings) {
    const key = (ids, chosen) => `${ids} ${Object.values({ ...chosen, index: 0 })}`;
    return this.all.filter((way) => key(way.before, way.settings) === key(before, settings)).length;
  }

  children(parent) {
    return this.all.filter((way) => way.parent === parent);
  }
}

/** All ids of a way. */
function wholeOf(way) {
  return [...way.before, ...way.written];
}
