/** The settings of an answer beside its model: instructions, temperature, longest answer, reasoning effort. Pure. */

/** The model's own. @type {Readonly<Settings>} */
export const OWN = Object.freeze({ instructions: "", temperature: null, max_output_tokens: null, effort: null });

/** @param {Preferences} preferences @returns {Settings} */
export const settingsOf = ({ instructions, temperature, max_output_tokens, reasoning }) => ({
  instructions: instructions ?? "",
  temperature: temperature ?? null,
  max_output_tokens: max_output_tokens ?? null,
  effort: reasoning?.effort ?? null,
});

/** Every field, so that an empty one is removed. @param {Settings} settings @param {string} model @returns {Preferences} */
export const preferencesOf = ({ instructions, effort, ...numbers }, model) => ({
  ...numbers,
  model,
  instructions: instructions || null,
  reasoning: effort === null ? null : { effort },
});

/** @param {Settings} one @param {Settings} other */
export const areSame = (one, other) =>
  one.instructions === other.instructions &&
  one.temperature === other.temperature &&
  one.max_output_tokens === other.max_output_tokens &&
  one.effort === other.effort;

/** Those that a model takes. @param {Settings} settings @param {Model} model @returns {Settings} */
export const takenBy = (settings, { temperature, efforts, max_output_tokens: most }) => ({
  instructions: settings.instructions,
  temperature: temperature ? settings.temperature : null,
  max_output_tokens: settings.max_output_tokens === null ? null : Math.min(settings.max_output_tokens, most ?? Infinity),
  effort: settings.effort !== null && efforts.includes(settings.effort) ? settings.effort : null,
});

/** The fields of `response.create`. @param {Settings} settings */
export function fieldsOf({ instructions, temperature, max_output_tokens, effort }) {
  return {
    ...(instructions && { instructions }),
    ...(temperature !== null && { temperature }),
    ...(max_output_tokens !== null && { max_output_tokens }),
    ...(effort !== null && { reasoning: { effort } }),
  };
}
