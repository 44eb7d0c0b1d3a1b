/**
 * The choice of a model. The last one is remembered for new conversations.
 *
 * in:  the models of the page data; the model of the shown conversation
 * out: `model`, for the next input
 */

const MODEL = "model"; // the name in the store

export class ModelPicker {
  #select;
  #store;

  constructor(select, { models, store }) {
    this.#select = select;
    this.#store = store;
    select.replaceChildren(...models.map((name) => new Option(name, name)));
    select.hidden = models.length < 2;
    select.addEventListener("change", () => store.set(MODEL, this.model));
  }

  get model() {
    return this.#select.value;
  }

  /** Choose this model, else the last choice. A model that is no longer offered leaves the choice as it is. */
  choose(model = this.#store.get(MODEL)) {
    if ([...this.#select.options].some((option) => option.value === model)) this.#select.value = model;
  }
}
