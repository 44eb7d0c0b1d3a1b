/** The files of a message above its text: preview, name, upload, and the buttons Retry and Remove. */

import { button, element, set } from "../dom/elements.js";
import { REMOVE, RETRY, removeFileLabel, retryFileLabel } from "../sentences/buttons.js";
import { uploadLabel } from "../sentences/files.js";
import { uploadText } from "../turns/status_text.js";
import { isImage } from "./file_kinds.js";

const PREVIEW_PX = 96; // twice the height on screen

class Chip {
  #name = element("span", "file-name");
  #state = element("span", "file-state");
  #bar = element("progress");
  #retry;
  #remove;

  /** @param {PendingFile} pending @param {ChipCallbacks} on */
  constructor(pending, on) {
    this.pending = pending;
    this.element = element("li", "file-chip");
    this.#name.dir = "auto";
    this.#bar.max = 1;
    this.#retry = button("retry-upload quiet", RETRY, () => on.retry(pending));
    this.#remove = button("remove-file quiet", REMOVE, () => on.remove(pending));
    const words = element("span", "file-words");
    words.append(this.#name, this.#state, this.#bar);
    if (isImage(pending.type)) this.element.append(this.#preview(on));
    this.element.append(words, this.#retry, this.#remove);
  }

  render() {
    const { name, attachment, error, progress } = this.pending;
    set(this.#name, "textContent", name);
    set(this.#state, "textContent", uploadText(this.pending));
    set(this.element.dataset, "state", error ? "failed" : attachment ? "uploaded" : "uploading");
    set(this.#bar, "hidden", Boolean(attachment || error));
    set(this.#bar, "value", progress);
    set(this.#bar, "ariaLabel", uploadLabel(name));
    set(this.#retry, "hidden", !error);
    set(this.#retry, "ariaLabel", retryFileLabel(name));
    set(this.#remove, "ariaLabel", removeFileLabel(name));
  }

  /** Drawn: the policy of the page admits no `blob:` image. @param {ChipCallbacks} on */
  #preview({ fileUrl }) {
    const { file, attachment } = this.pending;
    if (!file) {
      const image = element("img", "file-preview");
      image.alt = ""; // the name is beside it
      image.src = fileUrl(attachment?.id ?? "");
      return image;
    }
    const canvas = element("canvas", "file-preview");
    canvas.ariaHidden = "true";
    draw(canvas, file);
    return canvas;
  }
}

/** Nothing, if the browser cannot decode it. @param {HTMLCanvasElement} canvas @param {File} file */
async function draw(canvas, file) {
  const picture = await createImageBitmap(file, { resizeHeight: PREVIEW_PX, resizeQuality: "medium" }).catch(() => null);
  if (!picture) return;
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  picture.close();
}

export class Chips {
  /** @type {Map<PendingFile, Chip>} */ #chips = new Map();
  #list;
  #on;

  /** @param {HTMLElement} list @param {ChipCallbacks} on */
  constructor(list, on) {
    this.#list = list;
    this.#on = on;
  }

  /** @param {PendingFile[]} files */
  render(files) {
    for (const [pending, chip] of this.#chips) {
      if (files.includes(pending)) continue;
      chip.element.remove();
      this.#chips.delete(pending);
    }
    for (const pending of files) this.#chipOf(pending).render();
    set(this.#list, "hidden", !files.length);
  }

  /** @param {PendingFile} pending */
  #chipOf(pending) {
    const known = this.#chips.get(pending);
    if (known) return known;
    const chip = new Chip(pending, this.#on);
    this.#chips.set(pending, chip);
    this.#list.append(chip.element);
    return chip;
  }
}
