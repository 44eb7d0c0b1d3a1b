/**
 * Which path through the tree of a conversation is shown: at each fork the turn that the reader chose, else the newest. Pure.
 *
 * in:  all turns; the reader's choices
 * out: the turns of the path, the siblings of a turn, for conversation.js
 */

/** Oldest first. Ids sort by time; a turn that has none yet was made here, just now. */
function byAge(one, other) {
  const [first, second] = [one.follow?.id, other.follow?.id];
  if (first && second) return first < second ? -1 : 1;
  return Number(!first) - Number(!second);
}

export class Branches {
  #chosen = new Map(); // id of the previous response, null at the root → the turn that the reader chose
  #children = new Map(); // the same → siblings, oldest first

  /** The tree has changed. Returns the path that is shown now. */
  grow(turns) {
    const known = new Set(turns.map((turn) => turn.follow?.id));
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
      parent = turn.follow?.id ?? null;
    }
    return path;
  }

  /** The turns that answer the same place in the conversation, oldest first, this one included. */
  siblings(turn) {
    return [...this.#children.values()].find((each) => each.includes(turn)) ?? [turn];
  }

  choose(turn) {
    const [parent] = [...this.#children].find(([, siblings]) => siblings.includes(turn)) ?? [];
    if (parent !== undefined) this.#chosen.set(parent, turn);
  }

  /** After this response whatever is newest is shown again. */
  forget(previousId) {
    this.#chosen.delete(previousId ?? null);
  }
}
