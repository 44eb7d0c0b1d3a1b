/** Repeatable random whole numbers: 0 ≤ number < `below`. @param {number} seed @returns {(below: number) => number} */
export function seeded(seed) {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}
