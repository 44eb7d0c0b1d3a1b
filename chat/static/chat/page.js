/**
 * The page: wires the conversations to the socket, to the archive and to what is on screen.
 *
 * in:  the page data that the server wrote into the document
 * out: nothing; start here to read the page
 */

import { Address } from "./shell/address.js";
import { Archive } from "./server/api_client.js";
import { Attention } from "./shell/visibility.js";
import { Composer } from "./shell/composer.js";
import { ConnectionView } from "./shell/connection_view.js";
import { ConversationList } from "./sidebar/conversation_list.js";
import { ConversationListView } from "./sidebar/conversation_list_view.js";
import { Desk } from "./conversation/open_conversations.js";
import { Drafts } from "./storage/drafts.js";
import { Library } from "./sidebar/list_controller.js";
import { Navigation } from "./shell/navigation.js";
import { Notices } from "./shell/live_region.js";
import { Outbox } from "./storage/outbox.js";
import { themeSwitch } from "./storage/preferences.js";
import { CLOSE_TOO_LARGE, EVENT } from "./server/protocol.js";
import { Scroll } from "./shell/scroll.js";
import { archiveWords, connectionWords, sentenceOf } from "./turns/status_text.js";
import { ShortcutsSheet } from "./shell/shortcuts_sheet.js";
import { Sidebar } from "./sidebar/sidebar.js";
import { Socket } from "./server/socket.js";
import { Store, browserStorage } from "./storage/store.js";
import { Toast } from "./shell/toast.js";
import { TurnList } from "./turns/turn_list.js";
import { watchViewport } from "./shell/viewport.js";

const TITLE_CHARS = 60;
const TICK_MS = 1000; // what the page counts, it counts in seconds
const MODEL = "model"; // the reader's last choice, for new conversations

const find = (selector) => document.querySelector(selector);
const data = JSON.parse(find("#page-data").textContent);
const store = new Store(browserStorage(), document.body.dataset.owner);
const drafts = new Drafts(store);
const outbox = new Outbox(store);
const archive = new Archive(data.conversation_path);
const list = new ConversationList(data.conversations);
const notices = new Notices({ announcer: find("#announcer"), notice: find("#notice") });
const fine = matchMedia("(pointer: fine)"); // elsewhere a focus in the composer brings up the keyboard

const socket = new Socket(data.socket_path, {
  onEvent: receive,
  onOpen() {
    desk.resume();
    attention.look();
  },
  onClose(code) {
    if (code === CLOSE_TOO_LARGE) desk.refuseUnaccepted({ message: "The input is too long to be sent." });
  },
  onState(state, before) {
    connectionView.render(socket, outbox.waits);
    turnList.touchRunning();
    composer.signedOut = state === "signed-out";
    if (state !== before && before !== "connecting") notices.say(connectionWords(state, null, outbox.waits));
  },
});

const address = new Address(data.conversation_path, { went: (id) => navigation.visit(id) });

const library = new Library(list, {
  archive,
  on: {
    changed() {
      renderList();
      renderTitle();
      attention.attend();
    },
    failed,
  },
});

const desk = new Desk({
  archive,
  drafts,
  outbox,
  send: (command) => socket.send(command),
  on: {
    shown,
    known: (summary) => list.recall(summary),
    listed: renderList,
    path: () => turnList.lay(),
    changed: (turn) => turnList.touch(turn),
    refused(turn) {
      if (!composer.text) composer.text = turn.input;
      turnList.touch(turn);
    },
    named(id) {
      address.replace(id);
      drafts.keep(null, "");
      drafts.keep(id, composer.text);
    },
  },
});

const listView = new ConversationListView(find("#sidebar"), {
  address,
  on: {
    open: (id) => navigation.open(id),
    show: (conversation) => navigation.showWaiting(conversation),
    rename: (id, title) => library.rename(id, title),
    remove: (id, byKeyboard) => navigation.remove(id, byKeyboard),
    search: (words) => library.search(words),
    more: () => library.loadMore(),
  },
});

const sidebar = new Sidebar(find("#sidebar"), {
  toggle: find("#sidebar-toggle"),
  close: find("#sidebar-close"),
  behind: find("#behind"),
});

const scroll = new Scroll(find("#latest"));

const connectionView = new ConnectionView(find("#connection"), { retryNow: () => socket.retryNow() });

const turnList = new TurnList(find("#turns"), {
  connection: () => socket.state,
  retry(turn) {
    if (composer.text === turn.input) composer.text = "";
    begin((conversation) => conversation.retry(turn, composer.model));
  },
  regenerate: (turn) => begin((conversation) => conversation.regenerate(turn, composer.model)),
  edit: (turn, input) => begin((conversation) => conversation.edit(turn, input, composer.model)),
  choose: (turn) => desk.shown.choose(turn),
  say: (words) => notices.say(words),
  painted(empty) {
    find("#welcome").hidden = !empty;
    composer.running = desk.shown.running !== null;
    renderTitle();
    connectionView.render(socket, outbox.waits);
    scroll.empty = empty;
    scroll.follow();
  },
});

const composer = new Composer(find("#composer"), {
  models: data.models,
  limit: data.max_input_chars,
  on: {
    ask(input, model) {
      begin((conversation) => conversation.ask(input, model));
      renderList(); // a new conversation is listed from now on
    },
    stop,
    written() {
      drafts.keep(desk.shown.id, composer.text);
      if (desk.shown.turns.length) scroll.follow();
    },
    chosen: (model) => store.set(MODEL, model),
  },
});

const toast = new Toast(find("#toast"), { left: () => listView.focus(desk.shown.id) });

const navigation = new Navigation({
  desk,
  list,
  library,
  listView,
  sidebar,
  composer,
  address,
  toast,
  failed,
});

const attention = new Attention({ desk, list, library, navigation });

new ShortcutsSheet(find("#shortcuts"), {
  button: find("#shortcuts-open"),
  store,
  act: (action) => ACTIONS[action](),
});

const ACTIONS = {
  compose: () => composer.focus(),
  create: () => navigation.create(),
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

function receive(event) {
  if (event.type === EVENT.conversation) attention.hear(event);
  else if (!desk.receive(event) && event.type === EVENT.error) notices.warn(sentenceOf(event.error));
}

function shown(conversation) {
  notices.clear();
  turnList.show(conversation);
  composer.text = drafts.of(conversation.id);
  composer.model = conversation.path.at(-1)?.model ?? store.get(MODEL);
  renderTitle();
  scroll.toEnd();
  attention.attend();
}

/** Another answer in the shown conversation, if none runs. */
function begin(wish) {
  if (desk.shown.running) return;
  if (fine.matches) composer.focus();
  notices.clear();
  wish(desk.shown);
  scroll.toEnd();
}

function stop() {
  const unsent = desk.shown.stop();
  if (unsent && !composer.text) composer.text = unsent;
}

function renderList() {
  listView.render({ rows: list.rows, waiting: desk.waiting, shown: desk.shown, search: list.search });
}

function renderTitle() {
  const first = desk.shown.path[0]?.input.trim().slice(0, TITLE_CHARS);
  const title = list.get(desk.shown.id)?.title || first || "";
  const heading = find("#title");
  if (heading.textContent !== title) heading.textContent = title;
  heading.hidden = !title;
  document.title = title ? `${title} · Tailrace` : "Tailrace";
}

function failed({ status }) {
  notices.warn(archiveWords(status));
}

/** Count on, and give up a socket that has gone silent. */
function tick() {
  socket.tick();
  turnList.touchRunning();
  if (socket.state !== "open") return connectionView.render(socket, outbox.waits);
  if (desk.isSilent(socket.openedAt)) socket.restart();
}

for (const button of document.querySelectorAll("#welcome button")) {
  button.addEventListener("click", () => {
    composer.text = button.textContent;
    composer.focus();
  });
}

find("#create").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
  event.preventDefault();
  navigation.create();
});
find("#sign-out")?.addEventListener("submit", () => store.clear());
document.addEventListener("visibilitychange", () => attention.look());

themeSwitch(find("#theme"));
watchViewport(() => scroll.follow());
desk.begin({ id: data.conversation, responses: data.responses });
socket.connect();
setInterval(tick, TICK_MS);
if (fine.matches) composer.focus();
