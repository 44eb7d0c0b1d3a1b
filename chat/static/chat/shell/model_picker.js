/** The choice of a model, remembered for new conversations. */

const MODEL = "model";

export class ModelPicker {
  #select;
  #models;
  #store;

  /** @param {HTMLSelectElement} select @param {{ models: Model[], store: Store, chosen: () => void }} options */
  constructor(select, { models, store, chosen }) {
    this.#select = select;
    this.#models = models;
    this.#store = store;
    select.replaceChildren(...models.map(({ name }) => new Option(name, name)));
    select.hidden = models.length < 2;
    select.addEventListener("change", () => {
      store.set(MODEL, this.model);
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
  }
}
