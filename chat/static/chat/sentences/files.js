/** The files of a message, and why one was not added. */

import { number } from "./locale.js";

export const FILES = "Files";

export const EMPTY = "it is empty";
export const UNSUPPORTED = "it is no PNG, JPEG, GIF, WebP, PDF or text in UTF-8";

/** @param {number} mebibytes */
export const largerText = (mebibytes) => `it is larger than ${mebibytes} MiB`;

/** @param {string} name @param {string} reason @param {string} help */
export const notAddedText = (name, reason, help) => `${name} was not added: ${reason}. ${help}`;

/** @param {string} name @param {number} tokens @param {number} context */
export const longFileText = (name, tokens, context) =>
  `${name} was not added: it has about ${number(tokens)} tokens, and this model takes ${number(context)}. Choose another model, or a part of the file.`;

/** @param {string} model */
export const takesTextFilesText = (model) =>
  `${model} takes text files only. Choose another model, or send the message without pictures and PDF.`;

/** @param {string} name @param {string} model */
export const notTakenText = (name, model) => `${name}: ${takesTextFilesText(model)}`;

/** @param {string} name */
export const uploadLabel = (name) => `Upload of ${name}`;

/** @param {number} percent */
export const uploadingText = (percent) => `Uploading, ${percent} %`;

/** @param {string} reason */
export const failedText = (reason) => `Not uploaded. ${reason}`;

/** @param {string} name @param {string} reason */
export const fileFailedText = (name, reason) => `${name} was not uploaded. ${reason}`;
