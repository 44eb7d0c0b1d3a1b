/** The dialog by which an owner creates, copies and revokes the link of a conversation. Loaded when it is opened. */

import { copyButton } from "../dom/copy_button.js";
import { button, element, find } from "../dom/elements.js";
import * as sentences from "../sentences/sharing.js";
import { ApiError, csrfToken, request } from "../server/api_client.js";
import { apiErrorText } from "../turns/status_text.js";

/** Opens it. Resolves when it is closed. @param {string} conversationId */
export async function openShareDialog(conversationId) {
  styled ??= loadStyles();
  await styled;
  /** @type {PageData} */
  const { conversation_path } = JSON.parse(find("#page-data", HTMLElement).textContent);
  return new ShareDialog(`${conversation_path.replace("{id}", conversationId)}share/`).open();
}

/** @type {Promise<void> | undefined} */
let styled;

/** Also resolves if they cannot be loaded. @returns {Promise<void>} */
function loadStyles() {
  const link = element("link");
  link.rel = "stylesheet";
  link.href = find("#share", HTMLElement).dataset.styles ?? "";
  document.head.append(link);
  return new Promise((resolve) => {
    link.onload = link.onerror = () => resolve();
  });
}

class ShareDialog {
  #path;
  #dialog = element("dialog", "share-dialog");
  #words = element("p", "share-state", sentences.LOADING);
  #body = element("div", "share-link");

  /** @param {string} path of the API */
  constructor(path) {
    this.#path = path;
    const form = element("form");
    const close = button("link", sentences.CLOSE, () => this.#dialog.close());
    const title = element("h2", "", sentences.SHARE_TITLE);
    title.id = "share-title";
    form.method = "dialog";
    form.append(title, close);
    this.#words.role = "status";
    this.#dialog.setAttribute("aria-labelledby", title.id);
    this.#dialog.append(form, element("p", "", sentences.SHARE_SCOPE), this.#body, this.#words);
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close()); // beside it
  }

  /** @returns {Promise<void>} */
  open() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#call("GET");
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        this.#dialog.remove();
        resolve();
      });
    });
  }

  /** @param {"GET" | "POST" | "DELETE"} method */
  async #call(method) {
    const headers = method === "GET" ? undefined : { "X-CSRFToken": csrfToken() };
    try {
      this.#show(await request(this.#path, { method, headers }), method === "DELETE");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#words.textContent = apiErrorText(error.status);
    }
  }

  /** @param {ShareLink} link @param {boolean} revoked */
  #show({ path, created_at }, revoked) {
    if (path === null || created_at === null) {
      this.#body.replaceChildren(button("create-link", sentences.CREATE_LINK, () => this.#call("POST")));
      this.#words.textContent = revoked ? sentences.REVOKED : sentences.NOT_SHARED_YET;
    } else {
      const url = String(new URL(path, location.href));
      const copy = copyButton({ label: sentences.COPY_LINK, text: () => url });
      const revoke = button("revoke-link link", sentences.REVOKE_LINK, () => this.#call("DELETE"));
      this.#body.replaceChildren(field(url), copy, revoke);
      this.#words.textContent = sentences.createdText(new Date(created_at * 1000));
    }
    find("button, input", HTMLElement, this.#body).focus();
  }
}

/** @param {string} url */
function field(url) {
  const label = element("label", "", sentences.LINK_LABEL);
  const input = element("input");
  input.type = "url";
  input.readOnly = true;
  input.value = url;
  input.dir = "ltr";
  input.addEventListener("focus", () => input.select());
  label.append(input);
  return label;
}
