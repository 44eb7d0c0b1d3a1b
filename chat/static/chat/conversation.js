/**
 * The state of one conversation: its turns, which of them run, and what has to be sent for them.
 *
 * in:  the reader's wishes (ask, retry, stop), the socket's events, the socket's opening
 * out: commands through `send`; changes through `tell` (added, removed, changed, named, refused, noticed)
 */

import { BEHIND, Follow } from "./follow.js";
import { EVENT, cancelCommand, createCommand, responseIdOf, subscribeCommand } from "./protocol.js";
import { Turn } from "./turn.js";

export class Conversation {
  turns = [];
  #send;
  #tell;
  #now;

  /** `send(command)` returns whether the command left; `now()` is in ms. */
  constructor({ id, responses }, { send, tell, now = Date.now }) {
    this.id = id;
    this.#send = send;
    this.#tell = tell;
    this.#now = now;
    this.turns = responses.map((row) => Turn.of(row, now()));
  }

  get running() {
    return this.turns.find((turn) => turn.running) ?? null;
  }

  get lastId() {
    return this.turns.findLast((turn) => turn.follow)?.follow.id ?? null;
  }

  ask(input, model, previousId = this.lastId) {
    const turn = new Turn({ input, model, previousId }, this.#now());
    this.turns.push(turn);
    this.#sendInput(turn);
    this.#tell.added(turn);
  }

  /** The same input again: a sibling of the turn that failed, or in the place of one that was refused. */
  retry(turn, model) {
    if (turn.refusal) this.#remove(turn);
    this.ask(turn.input, model, turn.previousId);
  }

  /** Stops what runs. Returns the input of a turn that had not left the page yet, else null. */
  stop() {
    const turn = this.running;
    if (!turn) return null;
    if (!turn.sent && !turn.follow) {
      this.#remove(turn);
      return turn.input;
    }
    turn.stopping = true;
    if (turn.follow) this.#send(cancelCommand(turn.follow.id));
    this.#tell.changed(turn);
    return null;
  }

  /** A socket has opened: say again what the last one may have lost. */
  resume() {
    for (const turn of this.turns.filter((each) => each.running)) {
      if (!turn.follow) this.#sendInput(turn);
      else this.#subscribe(turn);
      if (turn.follow && turn.stopping) this.#send(cancelCommand(turn.follow.id));
    }
  }

  receive(event) {
    if (event.type === EVENT.error) return this.#refuse(event);
    const turn = this.#turnOf(event);
    if (!turn) return;
    turn.heardAt = this.#now();
    if (turn.follow.apply(event) === BEHIND) this.#subscribe(turn);
    this.#tell.changed(turn);
  }

  #turnOf(event) {
    const id = responseIdOf(event);
    const known = this.turns.findLast((turn) => turn.follow?.id === id);
    if (known || !id || !event.stream_id) return known;
    const turn = this.turns.find((each) => !each.follow && each.requestId === event.stream_id);
    if (turn) this.#accept(turn, id, event.response);
    return turn;
  }

  #accept(turn, id, response) {
    turn.follow = new Follow({ id });
    turn.model = response?.model ?? turn.model;
    if (turn.stopping) this.#send(cancelCommand(id));
    if (!this.id && response?.conversation?.id) {
      this.id = response.conversation.id;
      this.#tell.named(this.id);
    }
  }

  /** The server will not take the input that is on its way, however often it is sent. */
  refuseUnaccepted(error) {
    const turn = this.turns.find((each) => each.running && !each.follow);
    if (turn) this.#refuse({ error, stream_id: turn.requestId });
  }

  #refuse({ error, stream_id: streamId }) {
    const turn = this.turns.find((each) => each.running && !each.follow && each.requestId === streamId);
    if (!turn) return this.#tell.noticed(error);
    turn.refusal = error;
    this.#tell.refused(turn);
  }

  #sendInput(turn) {
    const { input, model, previousId, requestId } = turn;
    // the same requestId each time: the server answers with the same response, never with a second job
    if (!this.#send(createCommand({ input, model, previousId, conversationId: this.id, requestId }))) return;
    if (!turn.sent) turn.heardAt = this.#now();
    turn.sent = true;
  }

  #subscribe(turn) {
    if (this.#send(subscribeCommand(turn.follow.id, turn.follow.last))) turn.follow.subscribed();
  }

  #remove(turn) {
    this.turns.splice(this.turns.indexOf(turn), 1);
    this.#tell.removed(turn);
  }
}
