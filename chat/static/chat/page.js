/**
 * The page: wires the conversation to the socket and to what is on screen. The only module that knows the others.
 *
 * in:  the page data that the server wrote into the document
 * out: nothing; start here to read the page
 */

import { Composer } from "./composer.js";
import { ConnectionView } from "./connection_view.js";
import { Conversation } from "./conversation.js";
import { CLOSE_TOO_LARGE, EVENT } from "./protocol.js";
import { Scroll } from "./scroll.js";
import { connectionWords, sentenceOf } from "./sentences.js";
import { Socket } from "./socket.js";
import { TurnList } from "./turn_list.js";

const TITLE_CHARS = 60;
const TICK_MS = 1000; // what the page counts, it counts in seconds

const find = (selector) => document.querySelector(selector);
const data = JSON.parse(find("#page-data").textContent);

const socket = new Socket(data.socket_path, {
  onEvent(event) {
    if (!conversation.receive(event) && event.type === EVENT.error) notice(sentenceOf(event.error));
  },
  onOpen: () => conversation.resume(),
  onClose(code) {
    if (code === CLOSE_TOO_LARGE) conversation.refuseUnaccepted({ message: "The input is too long to be sent." });
  },
  onState(state, before) {
    connectionView.render(socket);
    turnList.touchRunning();
    composer.signedOut = state === "signed-out";
    if (state !== before && before !== "connecting") say(connectionWords(state, null));
  },
});

const conversation = new Conversation(
  { id: data.conversation, responses: data.responses },
  {
    send: (command) => socket.send(command),
    tell: {
      added: () => {},
      removed: () => {},
      path: () => turnList.lay(),
      changed: (turn) => turnList.touch(turn),
      refused(turn) {
        if (!composer.text) composer.text = turn.input;
        turnList.touch(turn);
      },
      named: (id) => history.replaceState(history.state, "", data.conversation_path.replace("{id}", id)),
    },
  },
);

const scroll = new Scroll(find("#latest"));

const connectionView = new ConnectionView(find("#connection"), { retryNow: () => socket.retryNow() });

const turnList = new TurnList(find("#turns"), {
  connection: () => socket.state,
  retry(turn) {
    if (composer.text === turn.input) composer.text = "";
    begin(() => conversation.retry(turn, composer.model));
  },
  regenerate: (turn) => begin(() => conversation.regenerate(turn, composer.model)),
  edit: (turn, input) => begin(() => conversation.edit(turn, input, composer.model)),
  choose: (turn) => conversation.choose(turn),
  say,
  painted(empty) {
    find("#welcome").hidden = !empty;
    composer.running = conversation.running !== null;
    const title = conversation.path[0]?.input.trim().slice(0, TITLE_CHARS);
    document.title = title ? `${title} · Tailrace` : "Tailrace";
    if (!empty) scroll.follow();
  },
});

const composer = new Composer(find("#composer"), {
  models: data.models,
  model: data.responses.at(-1)?.model,
  limit: data.max_input_chars,
  on: {
    ask(input, model) {
      begin(() => conversation.ask(input, model));
    },
    stop() {
      const unsent = conversation.stop();
      if (unsent && !composer.text) composer.text = unsent;
    },
    grown() {
      if (conversation.turns.length) scroll.follow();
    },
  },
});

/** Another answer, if none runs. */
function begin(wish) {
  if (conversation.running) return;
  composer.focus();
  clear();
  wish();
  scroll.toEnd();
}

/** To screen readers, politely. */
function say(words) {
  find("#announcer").textContent = words;
}

function notice(words) {
  find("#notice").textContent = words;
}

function clear() {
  notice("");
  say(""); // so that the same sentence is news again
}

/** Count on, and give up a socket that has gone silent. */
function tick() {
  turnList.touchRunning();
  if (socket.state !== "open") return connectionView.render(socket);
  if (conversation.turns.some((turn) => turn.isSilent(Date.now(), socket.openedAt))) socket.restart();
}

for (const button of document.querySelectorAll("#welcome button")) {
  button.addEventListener("click", () => {
    composer.text = button.textContent;
    composer.focus();
  });
}

turnList.show(conversation);
socket.connect();
setInterval(tick, TICK_MS);
if (matchMedia("(pointer: fine)").matches) composer.focus();
