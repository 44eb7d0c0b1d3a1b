/** Choices for the first paint: cookies, which the server writes as `data-` attributes of <html>. */

const YEAR_SECS = 365 * 24 * 60 * 60;

/** @param {string} name */
export function preference(name) {
  return document.documentElement.dataset[name];
}

/** @param {string} name @param {string} value */
export function prefer(name, value) {
  document.documentElement.dataset[name] = value;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs https
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR_SECS}; SameSite=Lax${secure}`;
}

/** @param {HTMLElement} fieldset */
export function themeSwitch(fieldset) {
  const choices = [...fieldset.querySelectorAll("input")];
  const chosen =
    choices.find(({ value }) => value === preference("theme")) ?? choices.find(({ value }) => value === "system");
  if (chosen) chosen.checked = true;
  for (const choice of choices) choice.addEventListener("change", () => prefer("theme", choice.value));
}
