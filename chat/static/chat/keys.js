/** The page of API keys: the list, a new key, revocation. Start reading here. */

import { copyButton } from "./dom/copy_button.js";
import { button, element, find, fitHeight, set } from "./dom/elements.js";
import * as sentences from "./sentences/keys.js";
import { csrfToken, ifApiError, request } from "./server/api_client.js";
import { apiErrorText, errorText } from "./turns/status_text.js";

/** @type {KeysPageData} */
const data = JSON.parse(find("#page-data", HTMLElement).textContent);
const form = find("#make", HTMLFormElement);
const submit = find("button", HTMLButtonElement, form);
const nameField = find("#name", HTMLInputElement);
const daysField = find("#days", HTMLSelectElement);
const keyField = find("#key", HTMLInputElement);
const environmentField = find("#environment", HTMLTextAreaElement);
const dialog = find("#revoke", HTMLDialogElement);
/** @type {ApiKey | null} */ let asked = null;

/** Null after an error, which the page shows. @param {string} path @param {RequestOptions} options */
async function call(path, options) {
  const headers = { "X-CSRFToken": csrfToken(), "Content-Type": "application/json" };
  warn("");
  return request(path, { ...options, headers }).catch(
    ifApiError(({ status, error }) => warn(error ? errorText(error) : apiErrorText(status))),
  );
}

/** @param {string} text */
function warn(text) {
  set(find("#notice", HTMLElement), "textContent", text);
  return null;
}

/** @param {string} text */
const announce = (text) => set(find("#announcer", HTMLElement), "textContent", text);

async function make() {
  if (submit.disabled) return; // a second press would make a second key
  submit.disabled = true;
  const body = JSON.stringify({ name: nameField.value, days: daysField.value ? Number(daysField.value) : null });
  const made = await call(data.path, { method: "POST", body });
  submit.disabled = false;
  if (made === null) return;
  form.reset();
  render(made.keys);
  show(made.text);
}

/** @param {string} text of the new key */
function show(text) {
  const address = new URL(data.api_path, location.href);
  find("#made", HTMLElement).hidden = false;
  keyField.value = text;
  environmentField.value = sentences.environmentText(String(address), text);
  fitHeight(environmentField);
  announce(sentences.MADE);
  keyField.focus();
}

/** @param {ApiKey[]} keys */
function render(keys) {
  find("#none", HTMLElement).hidden = keys.length > 0;
  find("#keys", HTMLElement).replaceChildren(...keys.map(row));
}

/** @param {ApiKey} key */
function row(key) {
  const made = element("li");
  const name = element("strong", "", key.name);
  name.dir = "auto";
  const words = element("div");
  words.append(name, element("code", "", sentences.endText(key.hint)), element("p", "", sentences.datesText(key)));
  made.append(
    words,
    button("link", sentences.REVOKE, () => ask(key), sentences.revokeLabel(key.name)),
  );
  return made;
}

/** @param {ApiKey} key */
function ask(key) {
  asked = key;
  set(find("h2", HTMLElement, dialog), "textContent", sentences.revokeQuestion(key.name));
  dialog.showModal();
}

/** At the click: the event of a dialog's close may come when it is open again. */
async function revoke() {
  if (asked === null) return;
  const key = asked;
  const found = await call(`${data.path}${key.id}/`, { method: "DELETE" });
  if (found === null) return;
  render(found.keys);
  if (keyField.value.endsWith(key.hint)) hide();
  find("#keys-title", HTMLElement).focus(); // its button is removed
  announce(sentences.revokedText(key.name));
}

function hide() {
  find("#made", HTMLElement).hidden = true;
  keyField.value = environmentField.value = "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  make();
});
for (const [field, label] of /** @type {const} */ ([
  [keyField, sentences.COPY_KEY],
  [environmentField, sentences.COPY_ENVIRONMENT],
])) {
  field.addEventListener("focus", () => field.select());
  field.after(copyButton({ label, text: () => field.value }));
}
find(".danger", HTMLButtonElement, dialog).addEventListener("click", revoke);
addEventListener("pagehide", hide); // a return by the browser's history shows no key
render(data.keys);
submit.disabled = false;
