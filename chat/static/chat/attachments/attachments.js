/** The files of the message that is being written: the list, its ways in, and its chips. */

import { find } from "../dom/elements.js";
import { failedUploadText, refusedFileText, takesNoFilesText } from "../turns/file_text.js";
import { Chips } from "./chips.js";
import { FilePicker } from "./file_picker.js";
import { PendingFiles } from "./pending_files.js";

export class Attachments {
  #files;
  #picker;
  #chips;
  #model;
  #on;

  /** @param {HTMLFormElement} form @param {AttachmentsParts} parts */
  constructor(form, { api, drafts, limit, model, on }) {
    this.#model = model;
    this.#on = on;
    this.#files = new PendingFiles({
      api,
      drafts,
      limit,
      on: {
        changed: () => this.render(),
        refused: (name, code) => on.warn(refusedFileText(name, code, limit)),
        failed: ({ name, error }) => on.warn(failedUploadText(name, error)),
      },
    });
    this.#picker = new FilePicker(form, { add: (files) => this.#add(files) });
    this.#chips = new Chips(find("#attachments", HTMLElement, form), {
      fileUrl: (id) => api.fileUrl(id),
      retry: (pending) => {
        on.cleared();
        this.#files.upload(pending);
      },
      remove: (pending) => {
        on.cleared();
        this.#files.remove(pending);
        on.removed(); // the button had the focus
      },
    });
  }

  /** `ready`: all are uploaded, and the model takes them. @returns {AttachmentState} */
  get state() {
    const { list } = this.#files;
    if (!list.length) return "none";
    return this.#model().images && list.every(({ attachment }) => attachment) ? "ready" : "waiting";
  }

  /** @param {ConversationId} conversationId */
  show(conversationId) {
    this.#files.show(conversationId);
  }

  /** @param {string} conversationId */
  name(conversationId) {
    this.#files.name(conversationId);
  }

  take() {
    return this.#files.take();
  }

  /** @param {Attachment[]} attachments */
  restore(attachments) {
    this.#files.restore(attachments);
  }

  /** Whether these are the files of a message, and no others. @param {Attachment[]} attachments */
  equals(attachments) {
    const { list } = this.#files;
    return list.length === attachments.length && list.every((each, at) => each.attachment?.id === attachments[at].id);
  }

  /** Call when the model has changed, too. */
  render() {
    this.#picker.hidden = !this.#model().images;
    this.#chips.render(this.#files.list);
    this.#on.changed();
  }

  /** Another model was chosen. */
  chosen() {
    const { name, images } = this.#model();
    this.#on.cleared();
    if (!images && this.#files.list.length) this.#on.warn(takesNoFilesText(name));
    this.render();
  }

  /** @param {File[]} files */
  #add(files) {
    const { name, images } = this.#model();
    this.#on.cleared();
    if (images) this.#files.add(files);
    else this.#on.warn(takesNoFilesText(name));
  }
}
