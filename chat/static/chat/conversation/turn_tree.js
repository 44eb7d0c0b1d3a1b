/** The tree of turns and the visible path: at each fork the chosen turn, else the newest. Pure. */

/** Oldest first. Ids sort by time; a turn without one is the newest. @param {Turn} one @param {Turn} other */
function byAge(one, other) {
  const [first, second] = [one.response?.id, other.response?.id];
  if (first && second) return first < second ? -1 : 1;
  return Number(!first) - Number(!second);
}

export class TurnTree {
  turns;
  /** @type {Turn[]} */ path = []; // oldest first
  /** @type {Set<Turn>} */ #chosen = new Set(); // at most one of each turn's siblings
  /** @type {Map<string | null, Turn[]>} */ #children = new Map(); // by previous response, null at the top; oldest first
  /** @type {Map<string, Turn>} */ #byId = new Map(); // accepted turns
  /** @type {Map<Turn, Turn[]>} */ #siblings = new Map();
  #onPath = () => {};

  /** `onPath()`: the path has changed. @param {Turn[]} turns @param {() => void} onPath */
  constructor(turns, onPath) {
    this.turns = turns;
    this.grow();
    this.#onPath = onPath;
  }

  get running() {
    return this.path.findLast((turn) => turn.running) ?? null;
  }

  /** Running turns that the server has not accepted yet. */
  get unsent() {
    return this.turns.filter((turn) => turn.running && !turn.response);
  }

  /** The path's last response, or null. */
  get lastId() {
    return this.path.findLast((turn) => turn.response)?.response?.id ?? null;
  }

  /** The path's first response, if turns above it are not loaded, else null. */
  get top() {
    const [first] = this.path;
    const isTop = !first?.response || !first.previousId || this.find(first.previousId);
    return isTop ? null : (first.response?.id ?? null);
  }

  /** The path's last response, if turns below it are not loaded, else null. */
  get bottom() {
    const last = this.path.at(-1);
    return last?.continues ? (last.response?.id ?? null) : null;
  }

  /** @param {string | null} responseId */
  find(responseId) {
    return this.#byId.get(responseId ?? "");
  }

  /** The turns after the same response, oldest first, this one included. @param {Turn} turn */
  siblings(turn) {
    return this.#siblings.get(turn) ?? [turn];
  }

  /** Show the path through this turn. @param {Turn} turn */
  choose(turn) {
    this.#forget(this.siblings(turn));
    this.#chosen.add(turn);
    this.grow();
  }

  /** Show the path through this turn and the turns above it. @param {Turn} turn */
  reach(turn) {
    for (let at = /** @type {Turn | undefined} */ (turn); at; at = this.find(at.previousId)) {
      this.#forget(this.siblings(at));
      this.#chosen.add(at);
    }
    this.grow();
  }

  /** A turn without a response is shown. @param {Turn[]} turns */
  add(...turns) {
    for (const turn of turns) if (!turn.response) this.#forget(this.#children.get(turn.previousId ?? null) ?? []);
    this.turns.push(...turns);
    this.grow();
  }

  /** @param {Turn} turn */
  remove(turn) {
    this.turns.splice(this.turns.indexOf(turn), 1);
    this.grow();
  }

  /** Call when a turn gets its response: others may continue it. */
  grow() {
    this.#byId.clear();
    this.#children.clear();
    this.#siblings.clear();
    for (const turn of this.turns) if (turn.response) this.#byId.set(turn.response.id, turn);
    for (const turn of [...this.turns].sort(byAge)) {
      const parent = this.find(turn.previousId) ? turn.previousId : null;
      const siblings = this.#children.get(parent) ?? [];
      siblings.push(turn);
      this.#children.set(parent, siblings);
      this.#siblings.set(turn, siblings);
    }
    const before = this.path;
    this.path = this.#visible();
    const isSame = before.length === this.path.length && before.every((turn, index) => turn === this.path[index]);
    if (!isSame) this.#onPath();
  }

  /** @param {Turn[]} siblings */
  #forget(siblings) {
    for (const each of siblings) this.#chosen.delete(each);
  }

  #visible() {
    const path = [];
    for (let turn = this.#shown(null); turn; ) {
      path.push(turn);
      turn = turn.response ? this.#shown(turn.response.id) : undefined;
    }
    return path;
  }

  /** The chosen child, else the newest. @param {string | null} parent */
  #shown(parent) {
    const siblings = this.#children.get(parent) ?? [];
    return siblings.find((each) => this.#chosen.has(each)) ?? siblings.at(-1);
  }
}
