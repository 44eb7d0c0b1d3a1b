/** How numbers and moments are written in the language of this folder. */

export const LOCALE = "en";

const whole = new Intl.NumberFormat(LOCALE);
const tenths = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** @param {number} amount */
export const number = (amount) => whole.format(amount);

/** @param {number} amount */
export const withTenths = (amount) => tenths.format(amount);

/** In the reader's own order of day and month. @param {Date} moment */
export const dayText = (moment) => moment.toLocaleDateString(undefined, { dateStyle: "long" });

/** On the reader's own clock of 12 or 24 hours. @param {Date} moment */
export const timeText = (moment) => moment.toLocaleTimeString(undefined, { timeStyle: "short" });
