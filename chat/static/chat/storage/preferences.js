/**
 * Choices that the first paint needs: the server reads them from cookies and writes them into the document.
 *
 * in:  theme (system, light, dark) and sidebar (open, closed), when the reader chooses
 * out: a `data-` attribute of <html> for the style sheets, and the cookie for the next page
 */

const YEAR_SECS = 365 * 24 * 60 * 60;

export function preference(name) {
  return document.documentElement.dataset[name];
}

export function prefer(name, value) {
  document.documentElement.dataset[name] = value;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs https
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR_SECS}; SameSite=Lax${secure}`;
}

/** Bind the radio buttons of the theme. */
export function themeSwitch(fieldset) {
  const chosen = fieldset.querySelector(`[value="${CSS.escape(preference("theme"))}"]`);
  (chosen ?? fieldset.querySelector("[value=system]")).checked = true;
  fieldset.addEventListener("change", ({ target }) => prefer("theme", target.value));
}
