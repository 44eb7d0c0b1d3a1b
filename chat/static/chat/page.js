/** Connects conversations, socket, API client and views. Start reading here. */

import { Attachments } from "./attachments/attachments.js";
import { OpenConversations } from "./conversation/open_conversations.js";
import { preferencesOf, settingsOf, takenBy } from "./conversation/settings.js";
import { find, set } from "./dom/elements.js";
import { NOT_KEPT, NOT_YET, QUEUED } from "./sentences/composer.js";
import { INPUT_TOO_LONG } from "./sentences/errors.js";
import { pageTitle, SITE } from "./sentences/shell.js";
import { CONTINUE_QUESTION } from "./sentences/turns.js";
import { ApiClient, ifApiError } from "./server/api_client.js";
import { CLOSE_TOO_LARGE, EVENT, TOO_MANY_SOCKETS } from "./server/protocol.js";
import { Socket } from "./server/socket.js";
import { Address } from "./shell/address.js";
import { AnswerNotices } from "./shell/answer_notices.js";
import { Composer } from "./shell/composer.js";
import { ConnectionView } from "./shell/connection_view.js";
import { EarlierButton } from "./shell/earlier_button.js";
import { LiveRegions } from "./shell/live_region.js";
import { ModelPicker } from "./shell/model_picker.js";
import { Navigation } from "./shell/navigation.js";
import { registerOfflineWorker } from "./shell/offline_worker.js";
import { Scroll } from "./shell/scroll.js";
import { SettingsPanel } from "./shell/settings_panel.js";
import { ShortcutsSheet } from "./shell/shortcuts_sheet.js";
import { Toast } from "./shell/toast.js";
import { watchViewport } from "./shell/viewport.js";
import { Visibility } from "./shell/visibility.js";
import { ConversationList } from "./sidebar/conversation_list.js";
import { ConversationListView } from "./sidebar/conversation_list_view.js";
import { DeleteAll } from "./sidebar/delete_all.js";
import { ListController } from "./sidebar/list_controller.js";
import { ListPages } from "./sidebar/list_pages.js";
import { Sidebar } from "./sidebar/sidebar.js";
import { Drafts } from "./storage/drafts.js";
import { Outbox } from "./storage/outbox.js";
import { themeSwitch } from "./storage/preferences.js";
import { Queue } from "./storage/queue.js";
import { browserStorage, follow, Store } from "./storage/store.js";
import { QueuedView } from "./turns/queued_view.js";
import { apiErrorText, connectionText, errorText } from "./turns/status_text.js";
import { TurnList } from "./turns/turn_list.js";

const CONFLICT = 409; // its sentence names the limit
const TICK_MS = 1000; // countdowns are in seconds

/** @type {PageData} */
const data = JSON.parse(find("#page-data", HTMLElement).textContent);
const site = data.page_path.slice(0, -1);
let { preferences } = data;
const store = new Store(browserStorage(), document.body.dataset.owner ?? "", site);
store.onFull = () => liveRegions.warn(NOT_KEPT);
const drafts = new Drafts(store);
const outbox = new Outbox(store);
if (data.is_guest) store.adopt(document.body.dataset.owner ?? ""); // from a tab that was closed as a visitor's
follow(data.former_guest, { store, drafts, site });
const api = new ApiClient(data, data.socket_path !== null);
const list = new ConversationList(data.conversations);
if (data.summary) list.note(data.summary);
const liveRegions = new LiveRegions({ announcer: find("#announcer", HTMLElement), notice: find("#notice", HTMLElement) });

const socket = new Socket(data.socket_path, {
  async admit() {
    const { owner, socket_path } = await api.admit();
    store.adopt(owner);
    document.body.dataset.owner = owner;
    return socket_path;
  },
  onEvent: receive,
  onOpen() {
    openConversations.resume();
    visibility.refresh();
  },
  onClose(code) {
    if (code === CLOSE_TOO_LARGE) openConversations.refuseUnaccepted({ message: INPUT_TOO_LONG });
  },
  onState(state, before) {
    connectionView.render(socket, outbox.hasPending);
    turnList.touchRunning();
    composer.signedOut = state === "signed-out";
    const waits = [state, before].some((each) => each === "connecting" || each === "idle");
    if (state !== before && !waits) liveRegions.announce(connectionText(state, null, outbox.hasPending));
  },
});

const paths = { start: data.page_path, pattern: data.conversation_path };
const address = new Address(paths, { onNavigate: (id) => navigation.visit(id) });

const listPages = new ListPages(list, { api, changed: listChanged });
const listController = new ListController(list, { api, on: { changed: listChanged, failed } });

const openConversations = new OpenConversations({
  api,
  drafts,
  outbox,
  queue: new Queue(store),
  send: (command) => socket.send(command),
  on: {
    shown,
    queued: renderQueue,
    loaded: (summary) => list.merge(summary),
    found(turn) {
      scroll.stay();
      turnList.reveal(turn);
    },
    listed: renderList,
    path() {
      earlier.keepPlace(() => turnList.layOut());
      renderQueue();
    },
    changed(turn) {
      turnList.touch(turn);
      if (!turn.running) renderQueue();
    },
    refused(turn) {
      restore(turn);
      turnList.touch(turn);
    },
    named(id) {
      address.replace(id);
      drafts.keep(null, "");
      drafts.keep(id, composer.text, composer.pasted);
      attachments.name(id);
    },
  },
});

const listView = new ConversationListView(find("#sidebar", HTMLElement), {
  address,
  on: {
    open: (id, at) => navigation.open(id, at),
    show: (conversation) => navigation.showWaiting(conversation),
    rename: (id, title) => listController.rename(id, title),
    pin: (id, pinned) => listController.pin(id, pinned),
    remove: (id, byKeyboard) => navigation.remove(id, byKeyboard),
    search: (text) => listPages.search(text),
    more: () => listPages.loadMore(),
  },
});

const sidebar = new Sidebar(find("#sidebar", HTMLElement), {
  toggle: find("#sidebar-toggle", HTMLElement),
  close: find("#sidebar-close", HTMLElement),
  main: find("#main", HTMLElement),
});

const shareButton = document.querySelector("#share");
const scroll = new Scroll(find("#latest", HTMLElement));

const earlier = new EarlierButton(find("#earlier", HTMLElement), find("#turns", HTMLElement), {
  load: () => openConversations.loadEarlier(),
  announce: (text) => liveRegions.announce(text),
});

const connectionView = new ConnectionView(find("#connection", HTMLElement), { retryNow: () => socket.retryNow() });

const turnList = new TurnList(find("#turns", HTMLElement), {
  connection: () => socket.state,
  retry(turn) {
    if (composer.message === turn.input && attachments.equals(turn.attachments)) {
      composer.set("");
      attachments.take();
    }
    startTurn((conversation) => conversation.retry(turn, modelPicker.model, settings()));
  },
  continue: () =>
    startTurn((conversation) => conversation.ask(CONTINUE_QUESTION, modelPicker.model, { settings: settings() })),
  regenerate: (turn) => startTurn((conversation) => conversation.retry(turn, modelPicker.model, settings())),
  edit({ previousId, attachments }, input) {
    const more = { previousId, attachments, settings: settings() };
    startTurn((conversation) => conversation.ask(input, modelPicker.model, more));
  },
  fileUrl: (id) => api.fileUrl(id),
  choose(turn) {
    openConversations.shown.tree.choose(turn);
    openConversations.loadLater();
  },
  announce: (text) => liveRegions.announce(text),
  painted(empty) {
    find("#welcome", HTMLElement).hidden = !empty;
    earlier.render(openConversations.shown.tree.top !== null);
    composer.running = openConversations.shown.tree.running !== null;
    renderTitle();
    connectionView.render(socket, outbox.hasPending);
    scroll.empty = empty;
    scroll.follow();
  },
});

const queuedView = new QueuedView(find("#queued", HTMLElement), {
  fileUrl: (id) => api.fileUrl(id),
  change: (requestId, changes) => openConversations.queued.change(openConversations.shown, requestId, changes),
  send: (requestId) => openConversations.queued.send(openConversations.shown, requestId),
  cancel(message) {
    openConversations.queued.cancel(openConversations.shown, message.requestId);
    restore(message);
    composer.focus();
  },
});

const modelPicker = new ModelPicker(find("#model", HTMLSelectElement), {
  models: data.models,
  store,
  chosen: () => attachments.chosen(),
});

const panel = new SettingsPanel(find("#settings", HTMLDialogElement), {
  open: find("#settings-open", HTMLElement),
  models: data.models,
  on: {
    model: () => modelPicker.config,
    choose: (model) => modelPicker.pick(model),
    defaults: () => settingsOf(preferences),
    changed: (changed) => drafts.keepSettings(openConversations.shown.id, changed),
    async save(changed) {
      /** @type {ErrorObject | null} */ let fault = null;
      const refused = (/** @type {ApiError} */ { status, error }) => {
        fault = error ?? { message: apiErrorText(status) };
        return preferences;
      };
      preferences = await api.changePreferences(preferencesOf(changed, modelPicker.model)).catch(ifApiError(refused));
      return fault;
    },
  },
});

/** Of the next answer. */
const settings = () => takenBy(panel.settings, modelPicker.config);

const composer = new Composer(find("#composer", HTMLFormElement), {
  limits: () => ({ characters: data.max_input_chars, context: modelPicker.config.context }),
  on: {
    ask,
    stop,
    editLast: () => turnList.editLast(),
    changed() {
      drafts.keep(openConversations.shown.id, composer.text, composer.pasted);
      if (openConversations.shown.tree.turns.length) scroll.follow();
    },
  },
});

const attachments = new Attachments(find("#composer", HTMLFormElement), {
  api,
  drafts,
  limit: data.max_file_bytes,
  model: () => modelPicker.config,
  on: {
    changed: () => (composer.attached = attachments.state),
    warn: (text) => liveRegions.warn(text),
    cleared: () => liveRegions.clear(),
    removed: () => composer.focusUnlessTouch(),
  },
});

const toast = new Toast(find("#toast", HTMLElement), { onFocusLost: () => listView.focus(openConversations.shown.id) });

const navigation = new Navigation({
  openConversations,
  list,
  listController,
  listView,
  sidebar,
  composer,
  address,
  toast,
  failed,
  days: data.deleted_days,
});

new DeleteAll(find("#delete-all", HTMLDialogElement), {
  button: find("#delete-all-open", HTMLElement),
  api,
  days: data.deleted_days,
  on: {
    leave: () => openConversations.shown.id && navigation.visit(null, { push: true }),
    deleted(text) {
      liveRegions.announce(text);
      listPages.reload();
    },
    failed,
  },
});

const visibility = new Visibility({ openConversations, list, listController, listPages, navigation });

const notices = new AnswerNotices(find("#notify", HTMLElement), { open: (id) => navigation.open(id) });

new ShortcutsSheet(find("#shortcuts", HTMLDialogElement), {
  button: find("#shortcuts-open", HTMLElement),
  store,
  act: (action) => ACTIONS[action](),
});

/** @type {Record<PageAction, () => void>} */
const ACTIONS = {
  compose: () => composer.focus(),
  create: () => navigation.open(null),
  search() {
    sidebar.open();
    listView.focusSearch();
  },
  next: () => navigation.step(1),
  previous: () => navigation.step(-1),
  sidebar: () => sidebar.toggle(),
  stop,
  undo: () => toast.undo(),
};

/** @param {ServerEvent} event */
function receive(event) {
  if (event.type === EVENT.moving || event.type === EVENT.sharedChanged) return; // the close code says the first; the other is for readers
  if (event.type === EVENT.conversation) {
    notices.changed(list.get(event.conversation.id), event.conversation);
    visibility.handleChange(event);
  } else if (!openConversations.receive(event) && event.type === EVENT.error && event.error.code !== TOO_MANY_SOCKETS)
    liveRegions.warn(errorText(event.error)); // the line of the connection says the other
}

/** @param {Conversation} conversation */
function shown(conversation) {
  liveRegions.clear();
  turnList.show(conversation.tree);
  renderQueue();
  const last = conversation.tree.path.at(-1);
  modelPicker.choose(last ? last.model : (preferences.model ?? undefined));
  panel.settings = drafts.settingsOf(conversation.id) ?? last?.settings ?? settingsOf(preferences);
  composer.set(drafts.of(conversation.id), drafts.pastedOf(conversation.id));
  attachments.show(conversation.id);
  renderTitle();
  scroll.toEnd();
  visibility.markRead();
}

/** Start a response, unless one is running. @param {(conversation: Conversation) => void} action */
function startTurn(action) {
  if (openConversations.shown.tree.running) return;
  composer.focusUnlessTouch();
  liveRegions.clear();
  drafts.keepSettings(openConversations.shown.id, null); // its last turn has them
  action(openConversations.shown);
  scroll.toEnd();
}

/** Send a message, or queue it while an answer runs. @param {string} input */
function ask(input) {
  const { shown, queued } = openConversations;
  if (shown.tree.running && !shown.id) {
    composer.set(input);
    return liveRegions.warn(NOT_YET);
  }
  const message = { input, attachments: attachments.take(), settings: settings() };
  if (!shown.tree.running) startTurn(() => shown.ask(input, modelPicker.model, message));
  else if (queued.add(shown, message, modelPicker.model)) {
    liveRegions.announce(QUEUED);
    scroll.toEnd();
  } else restore(message);
  renderList();
}

function renderQueue() {
  const { shown, queued } = openConversations;
  queuedView.render(queued.of(shown), queued.waitsForReader(shown));
}

function stop() {
  const unsent = openConversations.shown.stop();
  if (unsent) restore(unsent);
}

/** Put a message back into the composer, unless another is being written. @param {Message} message */
function restore(message) {
  if (composer.message || attachments.state !== "none") return;
  composer.set(message.input);
  attachments.restore(message.attachments ?? []);
}

function renderList() {
  const { waiting, shown } = openConversations;
  listView.render({ rows: list.rows, waiting, shown, search: list.search });
}

function listChanged() {
  renderList();
  renderTitle();
  visibility.markRead();
}

function renderTitle() {
  const { path, top } = openConversations.shown.tree;
  const first = path[0]?.title ?? "";
  const title = list.get(openConversations.shown.id)?.title || first;
  const heading = find("#title", HTMLElement);
  set(heading, "textContent", title);
  heading.hidden = !title;
  heading.classList.toggle("visually-hidden", !top && title === first); // the question stands below
  shareButton?.toggleAttribute("hidden", !openConversations.shown.id);
  document.title = title ? pageTitle(title) : SITE;
}

/** @param {ApiError} error */
function failed({ status, error }) {
  liveRegions.warn((status === CONFLICT && error?.message) || apiErrorText(status));
}

/** When the document came, in ms: the ages in its data count from then. */
function receivedAt() {
  const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return Date.now() - performance.now() + (navigation?.responseStart ?? 0);
}

function tick() {
  socket.tick();
  openConversations.tick();
  turnList.touchRunning();
  if (socket.state !== "open") return connectionView.render(socket, outbox.hasPending);
  if (openConversations.isSilent(socket.quietSince)) socket.restart();
}

for (const button of document.querySelectorAll("#welcome button")) {
  button.addEventListener("click", () => composer.send(button.textContent));
}

for (const link of [find("#create", HTMLElement), find("#create-here", HTMLElement)]) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
    event.preventDefault();
    navigation.open(null);
  });
}
shareButton?.addEventListener("click", async () => {
  const loaded = await import("./sharing/share_dialog.js").catch(() => null);
  const { id } = openConversations.shown;
  if (loaded && id) loaded.openShareDialog(id);
  else liveRegions.warn(apiErrorText(0));
});
document.querySelector("#sign-out")?.addEventListener("submit", () => store.clear());
document.addEventListener("visibilitychange", () => visibility.refresh());
addEventListener("storage", renderQueue); // another tab's

themeSwitch(find("#theme", HTMLElement));
registerOfflineWorker(`${site}/service-worker.js`);
watchViewport(() => scroll.follow());
openConversations.start({ id: data.conversation, responses: data.responses, at: receivedAt() });
if (data.socket_path !== null)
  socket.connect(); // else with the first message
else connectionView.render(socket, outbox.hasPending);
setInterval(tick, TICK_MS);
composer.focusUnlessTouch();
