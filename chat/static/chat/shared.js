/** The page that a link opens: a conversation, read-only, that follows running answers. Start reading here. */

import { find, set } from "./dom/elements.js";
import { CROWDED, ENDED } from "./sentences/sharing.js";
import { pageTitle, SITE } from "./sentences/shell.js";
import { EVENT } from "./server/protocol.js";
import { Socket } from "./server/socket.js";
import { SharedConversation } from "./sharing/shared_conversation.js";
import { EarlierButton } from "./shell/earlier_button.js";
import { LiveRegions } from "./shell/live_region.js";
import { Scroll } from "./shell/scroll.js";
import { connectionText } from "./turns/status_text.js";
import { TurnList } from "./turns/turn_list.js";

const TICK_MS = 1000; // countdowns are in seconds

/** @type {SharedPageData} */
const data = JSON.parse(find("#page-data", HTMLElement).textContent);
const liveRegions = new LiveRegions({ announcer: find("#announcer", HTMLElement), notice: find("#notice", HTMLElement) });
const scroll = new Scroll(find("#latest", HTMLElement));
let ended = false;

const socket = new Socket(data.socket_path, {
  admit: () => Promise.reject(new Error("it has a path")),
  onEvent(event) {
    if (ended) return;
    if (event.type === EVENT.sharedChanged) conversation.refreshSoon();
    else if (event.type !== EVENT.moving && event.type !== EVENT.conversation) conversation.receive(event);
  },
  onOpen: () => conversation.resume(),
  onClose() {},
  onState(state) {
    if (state === "signed-out") end();
    turnList.touchRunning();
    renderConnection();
  },
});

const conversation = new SharedConversation(data, {
  send: (command) => socket.send(command),
  on: {
    changed: (turn) => turnList.touch(turn),
    path: () => turnList.layOut(),
    titled: renderTitle,
    ended: end,
  },
});

const turnList = new TurnList(find("#turns", HTMLElement), {
  readOnly: true,
  connection: () => socket.state,
  retry() {},
  continue() {},
  regenerate() {},
  edit() {},
  choose() {},
  fileUrl: (id) => data.file_path.replace("{id}", id),
  announce: (text) => liveRegions.announce(text),
  painted(empty) {
    earlier.render(!ended && conversation.tree.top !== null);
    scroll.empty = empty;
    scroll.follow();
  },
});

const earlier = new EarlierButton(find("#earlier", HTMLElement), find("#turns", HTMLElement), {
  load: () => conversation.loadEarlier(),
  announce: (text) => liveRegions.announce(text),
});

/** The link has ended: nothing of the conversation stays on the page. */
function end() {
  if (ended) return;
  ended = true;
  for (const id of ["#page-data", "#turns"]) find(id, HTMLElement).replaceChildren();
  for (const id of ["#head", "#earlier", "#latest", "#connection"]) find(id, HTMLElement).hidden = true;
  renderTitle("");
  liveRegions.warn(ENDED);
}

/** @param {string} title */
function renderTitle(title) {
  set(find("#title", HTMLElement), "textContent", title);
  document.title = title ? pageTitle(title) : SITE;
}

function renderConnection() {
  const { state, retryAt } = socket;
  const text = state === "too-many" ? CROWDED : connectionText(state, retryAt && retryAt - Date.now());
  const line = find("#connection", HTMLElement);
  line.dataset.state = state;
  set(find(".words", HTMLElement, line), "textContent", text);
}

function tick() {
  if (ended) return;
  socket.tick();
  turnList.touchRunning();
  if (socket.state !== "open") return renderConnection();
  if (conversation.isSilent(socket.openedAt)) socket.restart();
}

document.addEventListener("visibilitychange", () => document.hidden || ended || conversation.refresh());
turnList.show(conversation.tree);
scroll.toEnd();
socket.connect();
setInterval(tick, TICK_MS);
