/** The choice of a model, remembered for new conversations. */

import { find, set } from "../dom/elements.js";
import { modelDetails } from "../sentences/panel.js";

const MODEL = "model";

export class ModelPicker {
  #select;
  #details;
  #models;
  #store;

  /** @param {HTMLSelectElement} select @param {{ models: Model[], store: Store, chosen: () => void }} options */
  constructor(select, { models, store, chosen }) {
    this.#select = select;
    this.#models = models;
    this.#store = store;
    select.replaceChildren(...models.map(({ name }) => new Option(name, name)));
    select.hidden = models.length < 2;
    this.#details = find("#model-details", HTMLElement);
    this.#render();
    select.addEventListener("change", () => {
      store.set(MODEL, this.model);
      this.#render();
      chosen();
    });
  }

  get model() {
    return this.#select.value;
  }

  /** The chosen model. */
  get config() {
    return this.#models[this.#select.selectedIndex];
  }

  /** This model, else the last choice. An unknown one changes nothing. @param {unknown} model */
  choose(model = this.#store.get(MODEL)) {
    const known = [...this.#select.options].find((option) => option.value === model);
    if (known) this.#select.value = known.value;
    this.#render();
  }

  /** As by the reader. @param {string} model */
  pick(model) {
    this.#select.value = model;
    this.#select.dispatchEvent(new Event("change"));
  }

  #render() {
    const details = modelDetails(this.config);
    set(this.#details, "textContent", details);
    set(this.#select, "title", details);
  }
}
