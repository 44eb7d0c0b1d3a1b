/** The files of a message that is being written, in each conversation: checked, then uploaded. */

import { ifApiError } from "../server/api_client.js";
import { exceeds, tokensOf } from "../shell/message_length.js";
import { HEAD_BYTES, isImage, isText, isTextType, mediaType } from "./file_kinds.js";

/** One file. `attachment`: its stored form, once uploaded; `error`: of its upload. */
export class PendingFile {
  /** @type {Attachment | null} */ attachment = null;
  /** @type {ApiError | null} */ error = null;
  progress = 0; // 0 to 1
  uploading = new AbortController();

  /** @param {string} name @param {string} type @param {File | null} file null: uploaded by an earlier page */
  constructor(name, type, file) {
    this.name = name;
    this.type = type;
    this.file = file;
  }

  /** @param {Attachment} attachment */
  static of(attachment) {
    const { name, image, text } = attachment;
    const pending = new PendingFile(name, image ? "image/*" : text ? "text/plain" : "", null);
    pending.attachment = attachment;
    return pending;
  }
}

/** Null: a folder, or changed meanwhile. @param {Blob} blob */
async function bytesOf(blob) {
  const buffer = await blob.arrayBuffer().catch(() => null);
  return buffer && new Uint8Array(buffer);
}

export class PendingFiles {
  /** @type {Map<ConversationId, PendingFile[]>} */ #lists = new Map();
  /** @type {ConversationId} */ #conversationId = null;
  #api;
  #drafts;
  #limit;
  #model;
  #on;

  /** `limit`: bytes of one file. @param {PendingFilesParts} parts */
  constructor({ api, drafts, limit, model, on }) {
    this.#model = model;
    this.#api = api;
    this.#drafts = drafts;
    this.#limit = limit;
    this.#on = on;
  }

  /** Of the shown conversation. */
  get list() {
    return this.#lists.get(this.#conversationId) ?? [];
  }

  /** Show those of a conversation, or the uploaded ones that its draft has. @param {ConversationId} conversationId */
  show(conversationId) {
    this.#conversationId = conversationId;
    if (!this.list.length) this.#lists.set(conversationId, this.#drafts.filesOf(conversationId).map(PendingFile.of));
    this.#on.changed();
  }

  /** The new conversation has an id. @param {string} id */
  name(id) {
    this.#lists.set(id, this.#lists.get(null) ?? []);
    this.#lists.delete(null);
    this.#drafts.keepFiles(null, []);
    this.#conversationId = id;
    this.#changed();
  }

  /** Upload those that the server takes. @param {File[]} files */
  async add(files) {
    const id = this.#conversationId;
    const checked = await Promise.all(files.map((file) => this.#check(file)));
    const pending = checked.filter((each) => each !== null);
    this.#lists.set(id, [...(this.#lists.get(id) ?? []), ...pending]);
    this.#changed();
    await Promise.all(pending.map((each) => this.upload(each)));
  }

  /** Also after a failure. @param {PendingFile} pending */
  async upload(pending) {
    const { file, type, uploading } = pending;
    if (!file) return;
    pending.error = null;
    pending.progress = 0;
    this.#changed();
    const progress = (/** @type {number} */ share) => {
      pending.progress = share;
      this.#on.changed();
    };
    const failed = (/** @type {ApiError} */ error) => {
      pending.error = error;
      return null;
    };
    const stored = await this.#api.upload(file, type, { progress, signal: uploading.signal }).catch(ifApiError(failed));
    if (uploading.signal.aborted) return;
    if (pending.error) this.#on.failed(pending);
    const kind = { image: isImage(type), text: isTextType(type) };
    if (stored) this.#uploaded(pending, { id: stored.id, name: stored.filename, ...kind });
    this.#changed();
  }

  /** Its stored form is deleted, unless another page may have it. @param {PendingFile} pending */
  remove(pending) {
    pending.uploading.abort();
    this.#drop(pending);
    const { attachment, file } = pending;
    if (attachment && file && !this.#has(attachment.id)) this.#api.deleteFile(attachment.id).catch(ifApiError(() => {}));
    this.#changed();
  }

  /** Empty the list for a message; all are uploaded. */
  take() {
    const taken = this.#uploadedOf(this.list);
    this.#lists.delete(this.#conversationId);
    this.#changed();
    return taken;
  }

  /** Put those of a message back. @param {Attachment[]} attachments */
  restore(attachments) {
    this.#lists.set(this.#conversationId, attachments.map(PendingFile.of));
    this.#changed();
  }

  /** @param {File} file */
  async #check(file) {
    const refuse = (/** @type {FileRefusal} */ code, size = 0) => {
      this.#on.refused(file.name, code, size);
      return null;
    };
    if (file.size > this.#limit) return refuse("file_too_large");
    if (!file.size) return refuse("empty_file");
    const head = await bytesOf(file.slice(0, HEAD_BYTES));
    const type = head && mediaType(head);
    if (!type) return refuse("unsupported_file");
    const { images, context } = this.#model();
    if (!isTextType(type)) return images ? new PendingFile(file.name, type, file) : refuse("text_only");
    const whole = await bytesOf(file);
    if (!whole || !isText(whole, true)) return refuse("unsupported_file");
    return context !== null && exceeds(tokensOf(file.size), context)
      ? refuse("exceeds_context", file.size)
      : new PendingFile(file.name, type, file);
  }

  /** The same content is one file: it is shown once. @param {PendingFile} pending @param {Attachment} attachment */
  #uploaded(pending, attachment) {
    const list = [...this.#lists.values()].find((each) => each.includes(pending));
    if (list?.some((each) => each.attachment?.id === attachment.id)) return this.#drop(pending);
    pending.attachment = attachment;
    pending.name = attachment.name;
  }

  /** @param {PendingFile} pending */
  #drop(pending) {
    for (const [id, list] of this.#lists)
      if (list.includes(pending))
        this.#lists.set(
          id,
          list.filter((each) => each !== pending),
        );
  }

  /** @param {string} fileId */
  #has(fileId) {
    return [...this.#lists.values()].some((list) => list.some((each) => each.attachment?.id === fileId));
  }

  /** @param {PendingFile[]} list */
  #uploadedOf(list) {
    return list.map((each) => each.attachment).filter((each) => each !== null);
  }

  #changed() {
    this.#drafts.keepFiles(this.#conversationId, this.#uploadedOf(this.list));
    this.#on.changed();
  }
}
