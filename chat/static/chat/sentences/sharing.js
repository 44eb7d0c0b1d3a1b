/** The dialog of a link, and the page of its readers. */

import { dayText, timeText } from "./locale.js";

export const SHARE_TITLE = "Share this conversation";
export const SHARE_SCOPE = "Anyone with the link can read this conversation, also what you write later.";
export const NOT_SHARED_YET = "There is no link yet.";
export const CREATE_LINK = "Create a link";
export const REVOKE_LINK = "Revoke the link";
export const LINK_LABEL = "Link";
export const COPY_LINK = "Copy this link";
export const CLOSE = "Close";
export const REVOKED = "The link is revoked: it opens nothing any more.";
export const LOADING = "Loading…";

export const ENDED = "This conversation is no longer shared.";
export const CROWDED = "Too many people read this conversation at the moment.";

/** @param {Date} moment */
export const createdText = (moment) => `Created on ${dayText(moment)} at ${timeText(moment)}.`;
