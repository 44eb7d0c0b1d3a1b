/** A file's refusal and its upload in sentences. Pure. */

import { helpFor } from "./error_help.js";
import { apiErrorText } from "./status_text.js";

const MIB = 1024 * 1024;

/** @type {Record<FileRefusal, (limit: number) => string>} */
const REASONS = {
  empty_file: () => "it is empty",
  file_too_large: (limit) => `it is larger than ${limit / MIB} MiB`,
  unsupported_file: () => "it is no PNG, JPEG, GIF, WebP, PDF or text in UTF-8",
};

/** Before the upload. @param {string} name @param {FileRefusal} code @param {number} limit in bytes */
export const refusedFileText = (name, code, limit) =>
  `${name} was not added: ${REASONS[code](limit)}. ${helpFor({ code })}`;

/** @param {string} model */
export const takesNoFilesText = (model) => `${model} takes no files. Choose another model, or send the message without.`;

/** @param {string} name @param {ApiError | null} error */
export const failedUploadText = (name, error) => `${name} was not uploaded. ${reasonOf(error)}`;

/** In the chip; "" once it is uploaded. @param {Pick<PendingFile, "attachment" | "error" | "progress">} pending */
export function uploadText({ attachment, error, progress }) {
  if (attachment) return "";
  return error ? `Not uploaded. ${reasonOf(error)}` : `Uploading, ${Math.floor(progress * 100)} %`;
}

/** @param {ApiError | null} error */
function reasonOf(error) {
  return error?.error?.message ?? apiErrorText(error?.status ?? 0);
}
