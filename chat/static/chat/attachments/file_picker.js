/** The ways of a file into the page: the button, a drop anywhere, a paste into the message. */

import { find } from "../dom/elements.js";

export class FilePicker {
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
