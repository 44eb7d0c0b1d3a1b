/** The page of API keys. */

import { dayText } from "./locale.js";

export const COPY_KEY = "Copy this key";
export const COPY_ENVIRONMENT = "Copy these variables";
export const REVOKE = "Revoke";
export const MADE = "The key is made. It is shown only once: copy it now.";

/** A key whose last characters are known. @param {string} end */
export const endText = (end) => `…${end}`;

/** The variables of OpenAI's SDKs. @param {string} address of the API @param {string} key */
export const environmentText = (address, key) => `OPENAI_BASE_URL=${address}\nOPENAI_API_KEY=${key}`;

/** @param {string} name */
export const revokeLabel = (name) => `Revoke “${name}”`;

/** @param {string} name */
export const revokeQuestion = (name) => `Revoke “${name}”?`;

/** @param {string} name */
export const revokedText = (name) => `“${name}” is revoked.`;

/** @param {ApiKey} key */
export function datesText({ created_at, last_used_at, expires_at }) {
  const made = `Made on ${day(created_at)}`;
  const used = last_used_at === null ? "never used" : `last used on ${day(last_used_at)}`;
  const ends = expires_at === null ? "does not expire" : `expires on ${day(expires_at)}`;
  return `${made}, ${used}, ${ends}.`;
}

/** @param {number} seconds */
const day = (seconds) => dayText(new Date(seconds * 1000));
