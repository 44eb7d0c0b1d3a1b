/** The panel of settings. */

import { number } from "./locale.js";

export const SAVED = "Saved: new conversations begin with these settings.";
export const RESET = "These are your default settings.";
export const CHANGED = "Changed from your default settings";
export const MODELS_OWN = "Model's own";

/** @param {string} field @param {string} fault */
export const faultText = (field, fault) => `${field}: ${fault}`;

/** @param {string} fault */
export const notSavedText = (fault) => `Not saved. ${fault}`;

/** The fields of `response.create` as the panel names them. @type {Readonly<Record<string, string>>} */
export const FIELDS = Object.freeze({
  model: "Model",
  instructions: "Instructions",
  temperature: "Temperature",
  max_output_tokens: "Longest answer",
  reasoning: "Reasoning effort",
  "reasoning.effort": "Reasoning effort",
});

/** The details of a model. @param {Model} model */
export function modelDetails({ context, images, tools, efforts }) {
  const size = context === null ? "context of unknown length" : `context of ${number(context)} tokens`;
  const takes = images ? "takes pictures and files" : "takes text and text files";
  return [size, takes, ...(tools ? ["tools"] : []), ...(efforts.length ? ["reasoning"] : [])].join(", ");
}
