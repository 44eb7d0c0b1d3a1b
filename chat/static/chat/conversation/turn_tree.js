/**
 * The turns of a conversation as a tree, and the visible path: at each fork the chosen turn, else the newest. Pure.
 *
 * in:  the turns of conversation.js; the reader's choices
 * out: all turns, those of the path, the siblings of one; `onPath()` when the path has changed
 */

/** Oldest first. Ids sort by time; a turn without one is the newest. */
function byAge(one, other) {
  const [first, second] = [one.response?.id, other.response?.id];
  if (first && second) return first < second ? -1 : 1;
  return Number(!first) - Number(!second);
}

export class TurnTree {
  turns; // of the whole tree
  path = []; // the visible ones, oldest first
  #chosen = new Map(); // id of the previous response, null at the root → the chosen turn
  #children = new Map(); // the same → siblings, oldest first
  #onPath = () => {};

  constructor(turns, onPath) {
    this.turns = turns;
    this.grow();
    this.#onPath = onPath;
  }

  /** The running turn of the visible path, or null. */
  get running() {
    return this.path.findLast((turn) => turn.running) ?? null;
  }

  /** The turns that the server has not accepted yet. */
  get unsent() {
    return this.turns.filter((turn) => turn.running && !turn.response);
  }

  /** The id of the last response of the visible path, or null. */
  get lastId() {
    return this.path.findLast((turn) => turn.response)?.response.id ?? null;
  }

  /** The turn with this response. */
  find(responseId) {
    return this.turns.findLast((turn) => turn.response && turn.response.id === responseId);
  }

  /** The turns with the same previous response, oldest first, this one included. */
  siblings(turn) {
    return [...this.#children.values()].find((each) => each.includes(turn)) ?? [turn];
  }

  /** Show this sibling and the path below it. */
  choose(turn) {
    const [parent] = [...this.#children].find(([, siblings]) => siblings.includes(turn)) ?? [];
    if (parent !== undefined) this.#chosen.set(parent, turn);
    this.grow();
  }

  /** Add turns. One that was asked here is shown, whatever was chosen before. */
  add(...turns) {
    for (const turn of turns) if (!turn.response) this.#chosen.delete(turn.previousId ?? null);
    this.turns.push(...turns);
    this.grow();
  }

  remove(turn) {
    this.turns.splice(this.turns.indexOf(turn), 1);
    this.grow();
  }

  /** Rebuild the tree, also once a turn has its response: others may continue it. */
  grow() {
    const known = new Set(this.turns.map((turn) => turn.response?.id));
    this.#children.clear();
    for (const turn of [...this.turns].sort(byAge)) {
      const parent = known.has(turn.previousId) ? turn.previousId : null;
      if (this.#children.has(parent)) this.#children.get(parent).push(turn);
      else this.#children.set(parent, [turn]);
    }
    const before = this.path;
    this.path = this.#visible();
    const isSame = before.length === this.path.length && before.every((turn, index) => turn === this.path[index]);
    if (!isSame) this.#onPath();
  }

  #visible() {
    const path = [];
    let siblings = this.#children.get(null);
    for (let parent = null; siblings; siblings = parent && this.#children.get(parent)) {
      const chosen = this.#chosen.get(parent);
      const turn = siblings.includes(chosen) ? chosen : siblings.at(-1);
      path.push(turn);
      parent = turn.response?.id ?? null;
    }
    return path;
  }
}
