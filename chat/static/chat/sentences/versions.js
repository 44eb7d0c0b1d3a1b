/** The versions of a turn. Pure. */

/** @param {number} at from 1 @param {number} count */
export const versionOf = (at, count) => `Version ${at} of ${count}`;
