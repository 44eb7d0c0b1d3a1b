/** The files of the message that is being written: the list, its ways in, and its chips. */

import { find } from "../dom/elements.js";
import { longFileText, notTakenText, takesTextFilesText } from "../sentences/files.js";
import { tokensOf } from "../shell/message_length.js";
import { failedUploadText, refusedFileText } from "../turns/status_text.js";
import { Chips } from "./chips.js";
import { isTextType } from "./file_kinds.js";
import { PendingFiles } from "./pending_files.js";

/** The ways of a file into the page: the button, a drop anywhere, a paste into the message. */
class FilePicker {
  #camera;
  #add;

  /** @param {HTMLFormElement} form @param {{ add: (files: File[]) => void }} on */
  constructor(form, { add }) {
    this.#add = add;
    this.#camera = find("#camera", HTMLButtonElement, form);
    const attach = find("#attach", HTMLButtonElement, form);
    attach.hidden = false;
    this.#open(attach, find("#files", HTMLInputElement, form));
    this.#open(this.#camera, find("#photo", HTMLInputElement, form));
    form.addEventListener("paste", (event) => this.#paste(event));
    for (const name of /** @type {const} */ (["dragover", "dragleave", "drop"]))
      document.addEventListener(name, (event) => this.#drag(event));
  }

  /** The camera of a phone, for a model that takes pictures. @param {boolean} images */
  set images(images) {
    this.#camera.hidden = !images || !matchMedia("(pointer: coarse)").matches;
  }

  /** @param {HTMLButtonElement} button @param {HTMLInputElement} input */
  #open(button, input) {
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.#take(input.files);
      input.value = ""; // the same file may be chosen again
    });
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
      model,
      on: {
        changed: () => this.render(),
        refused: (name, code, size) => on.warn(this.#refusalText(name, code, limit, size)),
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
    return this.#areTaken() && list.every(({ attachment }) => attachment) ? "ready" : "waiting";
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
    this.#picker.images = this.#model().images;
    this.#chips.render(this.#files.list);
    this.#on.changed();
  }

  /** Another model was chosen. */
  chosen() {
    this.#on.cleared();
    if (!this.#areTaken()) this.#on.warn(takesTextFilesText(this.#model().name));
    this.render();
  }

  /** Whether the model takes these files: it has text files in its prompt. */
  #areTaken() {
    return this.#model().images || this.#files.list.every(({ type }) => isTextType(type));
  }

  /** @param {File[]} files */
  #add(files) {
    this.#on.cleared();
    this.#files.add(files);
  }

  /** @param {string} name @param {FileRefusal} code @param {number} limit @param {number} size */
  #refusalText(name, code, limit, size) {
    const { name: model, context } = this.#model();
    if (code === "text_only") return notTakenText(name, model);
    if (code === "exceeds_context") return longFileText(name, tokensOf(size), context ?? 0);
    return refusedFileText(name, code, limit);
  }
}
