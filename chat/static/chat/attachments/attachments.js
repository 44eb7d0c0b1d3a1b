/** The files of the message that is being written: the list, its ways in, and its chips. */

import { find } from "../dom/elements.js";
import { failedUploadText, refusedFileText, takesNoFilesText } from "../turns/status_text.js";
import { Chips } from "./chips.js";
import { PendingFiles } from "./pending_files.js";

/** The ways of a file into the page: the button, a drop anywhere, a paste into the message. */
class FilePicker {
  #button;
  #add;

  /** @param {HTMLFormElement} form @param {{ add: (files: File[]) => void }} on */
  constructor(form, { add }) {
    this.#add = add;
    this.#button = find("#attach", HTMLButtonElement, form);
    const input = find("#files", HTMLInputElement, form);
    this.#button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.#take(input.files);
      input.value = ""; // the same file may be chosen again
    });
    form.addEventListener("paste", (event) => this.#paste(event));
    for (const name of /** @type {const} */ (["dragover", "dragleave", "drop"]))
      document.addEventListener(name, (event) => this.#drag(event));
  }

  /** @param {boolean} hidden */
  set hidden(hidden) {
    this.#button.hidden = hidden;
  }

  /** Office programs add a picture to each text: the text is meant. @param {ClipboardEvent} event */
  #paste(event) {
    const data = event.clipboardData;
    if (!data?.files.length || data.types.includes("text/plain")) return;
    event.preventDefault();
    this.#take(data.files);
  }

  /** A browser would leave the page for a dropped file. @param {DragEvent} event */
  #drag(event) {
    const { dataTransfer, type, relatedTarget } = event;
    if (!dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (type === "dragover") dataTransfer.dropEffect = "copy";
    document.body.toggleAttribute("data-dropping", type === "dragover" || (type === "dragleave" && relatedTarget !== null));
    if (type === "drop") this.#take(dataTransfer.files);
  }

  /** @param {FileList | null} files */
  #take(files) {
    if (files?.length) this.#add([...files]);
  }
}

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
