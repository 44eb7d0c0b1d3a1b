/** The dialog of settings: the model with its details, and the fields of the next answers of this conversation. */

import { areSame, OWN } from "../conversation/settings.js";
import { element, find, set } from "../dom/elements.js";
import { CHANGED, FIELDS, faultText, MODELS_OWN, modelDetails, notSavedText, RESET, SAVED } from "../sentences/panel.js";

export class SettingsPanel {
  /** @type {Settings} */ #settings = OWN;
  #dialog;
  #form;
  #status;
  #open;
  #mark;
  #on;

  /** @param {HTMLDialogElement} dialog @param {SettingsPanelOptions} options */
  constructor(dialog, { open, models, on }) {
    this.#dialog = dialog;
    this.#form = find("form", HTMLFormElement, dialog);
    this.#status = find(".panel-status", HTMLElement, dialog);
    this.#open = open;
    this.#mark = find("span", HTMLElement, open);
    this.#on = on;
    find(".models", HTMLElement, dialog).append(...models.map((model) => this.#choice(model)));
    open.addEventListener("click", () => this.#show());
    this.#form.addEventListener("input", (event) => this.#changed(event));
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    find(".reset", HTMLElement, dialog).addEventListener("click", () => this.#reset());
  }

  get settings() {
    return this.#settings;
  }

  set settings(settings) {
    this.#settings = settings;
    this.render();
  }

  /** Call also when the model or the defaults have changed. */
  render() {
    const isChanged = !areSame(this.#settings, this.#on.defaults());
    this.#open.toggleAttribute("data-changed", isChanged);
    set(this.#mark, "textContent", isChanged ? CHANGED : "");
  }

  /** @param {Model} model */
  #choice({ name, ...details }) {
    const label = element("label", "model");
    const radio = element("input");
    Object.assign(radio, { type: "radio", name: "model", value: name });
    const words = element("span");
    words.append(element("span", "model-name", name), element("span", "model-details", modelDetails({ name, ...details })));
    label.append(radio, words);
    return label;
  }

  #show() {
    this.#fill();
    set(this.#status, "textContent", "");
    this.#dialog.showModal();
  }

  #fill() {
    const model = this.#on.model();
    const { instructions, temperature, max_output_tokens: longest, effort } = this.#settings;
    for (const radio of this.#form.querySelectorAll("[name=model]"))
      if (radio instanceof HTMLInputElement) radio.checked = radio.value === model.name;
    this.#field("instructions").value = instructions;
    this.#field("temperature").value = String(temperature ?? "");
    const limit = this.#field("max_output_tokens");
    limit.value = String(longest ?? "");
    if (limit instanceof HTMLInputElement) limit.max = String(model.max_output_tokens ?? 1_000_000);
    const efforts = find("[name=effort]", HTMLSelectElement, this.#form);
    efforts.replaceChildren(new Option(MODELS_OWN, ""), ...model.efforts.map((each) => new Option(each, each)));
    efforts.value = effort !== null && model.efforts.includes(effort) ? effort : "";
    this.#hide("temperature", !model.temperature);
    this.#hide("effort", !model.efforts.length);
  }

  /** @param {string} name @returns {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} */
  #field(name) {
    const found = this.#form.elements.namedItem(name);
    if (found instanceof HTMLInputElement || found instanceof HTMLTextAreaElement || found instanceof HTMLSelectElement)
      return found;
    throw new TypeError(`no field ${name}`);
  }

  /** @param {string} name @param {boolean} hidden */
  #hide(name, hidden) {
    const field = this.#field(name);
    field.disabled = hidden; // not validated either
    const label = field.closest("label");
    if (label) label.hidden = hidden;
  }

  /** @param {Event} event */
  #changed({ target }) {
    if (target instanceof HTMLInputElement && target.name === "model") {
      this.#on.choose(target.value);
      this.#fill();
    }
    const fault = this.#fault();
    set(this.#status, "textContent", fault);
    if (!fault) this.#take();
  }

  /** The first invalid field and its fault; "" without one. */
  #fault() {
    for (const name of ["instructions", "temperature", "max_output_tokens"]) {
      const field = this.#field(name);
      if (!field.checkValidity()) return faultText(FIELDS[name], field.validationMessage);
    }
    return "";
  }

  #take() {
    const amount = (/** @type {string} */ name) => {
      const { value, disabled } = this.#field(name);
      return value === "" || disabled ? null : Number(value);
    };
    this.settings = {
      instructions: this.#field("instructions").value,
      temperature: amount("temperature"),
      max_output_tokens: amount("max_output_tokens"),
      effort: this.#field("effort").value || null,
    };
    this.#on.changed(this.#settings);
  }

  /** Enter and the first button save the default. @param {SubmitEvent} event */
  async #submit(event) {
    if (event.submitter instanceof HTMLButtonElement && event.submitter.value === "close") return; // the form's method
    event.preventDefault();
    const error = await this.#on.save(this.#settings);
    const field = FIELDS[error?.param ?? ""];
    const fault = error && (field ? faultText(field, error.message ?? "") : (error.message ?? ""));
    set(this.#status, "textContent", fault === null ? SAVED : notSavedText(fault));
    this.render();
  }

  #reset() {
    this.settings = this.#on.defaults();
    this.#on.changed(this.#settings);
    this.#fill();
    set(this.#status, "textContent", RESET);
  }
}
