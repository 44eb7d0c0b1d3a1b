/** The unsent text of each conversation, its long pasted texts, and its uploaded files. */

const PREFIX = "draft:";
const PASTED = "pasted:";
const FILES = "files:";
const SETTINGS = "settings:";
const NEW = "new";

export class Drafts {
  #store;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {ConversationId} conversationId */
  of(conversationId) {
    return String(this.#store.get(PREFIX + (conversationId ?? NEW)) ?? "");
  }

  /** @param {ConversationId} conversationId @returns {string[]} */
  pastedOf(conversationId) {
    const kept = this.#store.get(PASTED + (conversationId ?? NEW));
    return Array.isArray(kept) ? kept : [];
  }

  /** @param {ConversationId} conversationId @param {string} text @param {string[]} [pasted] */
  keep(conversationId, text, pasted = []) {
    this.#store.set(PREFIX + (conversationId ?? NEW), text);
    this.#store.set(PASTED + (conversationId ?? NEW), pasted.length ? pasted : null);
  }

  /** Add texts of another owner below those that are here. @param {Map<string, unknown>} values of the store, by name */
  append(values) {
    for (const [name, text] of values) {
      const own = this.#store.get(name);
      if (name.startsWith(PREFIX) && own !== text) this.#store.set(name, `${own}\n\n${text}`);
    }
  }

  /** @param {ConversationId} conversationId @returns {Attachment[]} */
  filesOf(conversationId) {
    const kept = this.#store.get(FILES + (conversationId ?? NEW));
    return Array.isArray(kept) ? kept : [];
  }

  /** @param {ConversationId} conversationId @param {Attachment[]} files */
  keepFiles(conversationId, files) {
    this.#store.set(FILES + (conversationId ?? NEW), files.length ? files : null);
  }

  /** Changed since the last turn, or null. @param {ConversationId} conversationId @returns {Settings | null} */
  settingsOf(conversationId) {
    return /** @type {Settings | null} */ (this.#store.get(SETTINGS + (conversationId ?? NEW)));
  }

  /** @param {ConversationId} conversationId @param {Settings | null} settings */
  keepSettings(conversationId, settings) {
    this.#store.set(SETTINGS + (conversationId ?? NEW), settings);
  }

  /** Keep a refused message, unless there is a newer draft. @param {ConversationId} conversationId @param {Message} message */
  restore(conversationId, { input, attachments = [] }) {
    const isTaken = this.of(conversationId) || this.pastedOf(conversationId).length || this.filesOf(conversationId).length;
    if (isTaken) return;
    this.keep(conversationId, input);
    this.keepFiles(conversationId, attachments);
  }
}
