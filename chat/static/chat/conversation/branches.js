/**
 * The visible path through the tree of a conversation: at each fork the chosen turn, else the newest. Pure.
 *
 * in:  all turns; the reader's choices
 * out: the turns of the path, the siblings of a turn, for conversation.js
 */

/** Oldest first. Ids sort by time; a turn without one is the newest. */
function byAge(one, other) {
  const [first, second] = [one.response?.id, other.response?.id];
  if (first && second) return first < second ? -1 : 1;
  return Number(!first) - Number(!second);
}

export class Branches {
  #chosen = new Map(); // id of the previous response, null at the root → the chosen turn
  #children = new Map(); // the same → siblings, oldest first

  /** Rebuild the tree. Returns the visible path. */
  grow(turns) {
    const known = new Set(turns.map((turn) => turn.response?.id));
    const parentOf = ({ previousId }) => (known.has(previousId) ? previousId : null);
    this.#children = new Map();
    for (const turn of turns) {
      const parent = parentOf(turn);
      if (this.#children.has(parent)) this.#children.get(parent).push(turn);
      else this.#children.set(parent, [turn]);
    }
    for (const siblings of this.#children.values()) siblings.sort(byAge);
    return this.#path();
  }

  #path() {
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

  /** The turns with the same previous response, oldest first, this one included. */
  siblings(turn) {
    return [...this.#children.values()].find((each) => each.includes(turn)) ?? [turn];
  }

  choose(turn) {
    const [parent] = [...this.#children].find(([, siblings]) => siblings.includes(turn)) ?? [];
    if (parent !== undefined) this.#chosen.set(parent, turn);
  }

  /** Show the newest turn after this response again. */
  forget(previousId) {
    this.#chosen.delete(previousId ?? null);
  }
}
