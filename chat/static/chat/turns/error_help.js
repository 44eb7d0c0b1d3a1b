/** The remedy for an error, by its code. Pure. */

import { HELP } from "../sentences/errors.js";

/** @param {ErrorObject | null} error */
export const helpFor = (error) => HELP[error?.code ?? ""] ?? "";
