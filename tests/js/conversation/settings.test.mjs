import assert from "node:assert/strict";
import { test } from "node:test";

import {
  areSame,
  fieldsOf,
  OWN,
  preferencesOf,
  settingsOf,
  takenBy,
} from "../../../chat/static/chat/conversation/settings.js";
import { createCommand } from "../../../chat/static/chat/server/protocol.js";

/** @type {Settings} */
const ALL = { instructions: "Be brief.", temperature: 0, max_output_tokens: 500, effort: "low" };
/** @type {Model} */
const MODEL = {
  name: "m",
  images: false,
  tools: false,
  context: null,
  max_output_tokens: 300,
  efforts: ["high"],
  temperature: false,
};

test("preferences are settings, and empty fields remove them", () => {
  assert.deepEqual(settingsOf({}), OWN);
  assert.deepEqual(settingsOf(preferencesOf(ALL, "m")), ALL);
  assert.deepEqual(preferencesOf(OWN, "m"), {
    model: "m",
    instructions: null,
    temperature: null,
    max_output_tokens: null,
    reasoning: null,
  });
});

test("a model gets what it takes", () => {
  assert.deepEqual(takenBy(ALL, MODEL), { ...ALL, temperature: null, max_output_tokens: 300, effort: null });
  const more = { ...MODEL, temperature: true, max_output_tokens: null, efforts: ["low"] };
  assert.deepEqual(takenBy(ALL, more), ALL);
});

test("a question has the settings that are no model's own, also a temperature of 0", () => {
  assert.deepEqual(fieldsOf(OWN), {});
  const ask = { requestId: "r", conversationId: null, previousId: null, regenerateOf: null, input: "hi", model: "m" };
  const { instructions, temperature, max_output_tokens, reasoning } = createCommand({ ...ask, settings: ALL });
  assert.deepEqual([instructions, temperature, max_output_tokens], ["Be brief.", 0, 500]);
  assert.deepEqual(reasoning, { effort: "low" });
});

test("settings differ by any field", () => {
  assert.ok(areSame(ALL, { ...ALL }));
  for (const name of Object.keys(ALL)) assert.ok(!areSame(ALL, { ...ALL, [name]: null }));
});
