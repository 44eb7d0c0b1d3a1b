/**
 * The shapes of the wire and of the page data, as far as the page's scripts read them.
 * Global types for `tsc`; no page loads this file.
 */

type Status = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

interface ErrorObject {
  code?: string;
  /** The refused field of a command. */
  param?: string | null;
  message?: string;
}

interface IncompleteDetails {
  reason: string;
}

interface Usage {
  output_tokens: number;
  output_tokens_details?: { reasoning_tokens: number };
}

/** The model is busy. `seconds` is the delay, `until` its end in Unix seconds. */
interface Wait {
  seconds: number;
  until: number;
}

interface OutputItem {
  type: string;
  id?: string;
  content?: { type?: string; text?: string; refusal?: string }[];
  /** Of a function call; the arguments are JSON as text. */
  name?: string;
  arguments?: string;
}

/** A response object. Only `tailrace:snapshot` needs its output. */
interface ResponseObject {
  id?: string;
  status?: Status;
  model?: string;
  output?: OutputItem[];
  error?: ErrorObject | null;
  incomplete_details?: IncompleteDetails | null;
  usage?: Usage | null;
  conversation?: { id: string };
  /** Only if the oldest turns did not fit into the model's context. */
  tailrace?: { omitted_turns: number };
}

/** A stored file of a question. */
interface Attachment {
  id: string;
  name: string;
  /** Whether the browser may show it. */
  image: boolean;
  /** Whether it is text, which every model takes; drafts of older pages do not say. */
  text?: boolean;
}

/** A response in the page data and the conversation API. Times are in Unix seconds. */
interface ResponseRow {
  id: string;
  previous_response_id: string | null;
  input: string;
  attachments: Attachment[];
  output: OutputItem[];
  status: Status;
  error: ErrorObject | null;
  incomplete_details: IncompleteDetails | null;
  model: string;
  settings?: Settings;
  usage: Usage | null;
  omitted_turns: number;
  added?: boolean; // items of a program, without a model
  /** Attempts whose workers were lost. */
  losses?: number;
  created_at: number;
  /** While it runs: seconds since its creation, by the server's clock. */
  age?: number | null;
  started_at: number | null;
  first_token_at: number | null;
  ended_at: number | null;
  /** Turns follow, and are not in this page. */
  continues?: boolean;
}

/** A conversation in the list. `updated_at` is in Unix seconds. */
interface Summary {
  id: string;
  title: string;
  updated_at: number;
  running: boolean;
  unread: boolean;
  /** In Unix seconds; null if it is not pinned. */
  pinned_at: number | null;
  /** Of a search, unless only the title has its words. */
  match?: Match;
}

/** Where a search was found; odd `parts` are the found words. */
interface Match {
  response: string;
  side: "question" | "answer";
  parts: string[];
}

/** `more` is the cursor of the next page; null on the last one. */
interface ListPage {
  conversations: Summary[];
  more: string | null;
}

/** `images`: it takes images and PDF. */
interface Model {
  name: string;
  images: boolean;
  tools: boolean;
  /** Tokens; null if unknown. */
  context: number | null;
  max_output_tokens: number | null;
  /** Of reasoning. */
  efforts: string[];
  /** Whether it takes one. */
  temperature: boolean;
}

/** Null or empty: the model's own. */
interface Settings {
  instructions: string;
  temperature: number | null;
  max_output_tokens: number | null;
  effort: string | null;
}

/** A person's settings of new conversations, as fields of `response.create`; null removes one. */
interface Preferences {
  model?: string | null;
  instructions?: string | null;
  temperature?: number | null;
  max_output_tokens?: number | null;
  reasoning?: { effort?: string | null } | null;
}

interface PageData {
  preferences: Preferences;
  preferences_path: string;
  conversation: string | null;
  /** Of that conversation. */
  summary: Summary | null;
  conversations: ListPage;
  responses: ResponseRow[];
  models: Model[];
  max_input_chars: number;
  max_file_bytes: number;
  /** That deleted conversations are kept; 0: for ever. */
  deleted_days: number;
  page_path: string;
  csrf_cookie: string;
  /** Null without an owner: the first message makes a guest. */
  socket_path: string | null;
  guest_path: string;
  is_guest: boolean;
  former_guest: FormerGuest | null;
  /** With `{id}` in them. */
  conversation_path: string;
  file_path: string;
}

/** The browser's user before the sign-in. `fate`: of the guest's work; null: not decided. */
interface FormerGuest {
  id: number;
  fate: "taken" | "left" | null;
}

/** The link of a conversation; null without one. `created_at`: Unix seconds. */
interface ShareLink {
  path: string | null;
  created_at: number | null;
}

/** Times in seconds. `hint`: the last characters of its text. */
interface ApiKey {
  id: string;
  name: string;
  hint: string;
  created_at: number;
  last_used_at: number | null;
  expires_at: number | null;
}

interface KeysPageData {
  keys: ApiKey[];
  path: string;
  api_path: string;
}

/** The responses have some fields only: `chat/sharing/representation.py`. */
interface SharedTurns {
  title: string;
  responses: ResponseRow[];
}

interface SharedPageData extends SharedTurns {
  socket_path: string;
  turns_path: string;
  /** With `{id}` in it. */
  file_path: string;
}

/** The fields of a PATCH; each absent one stays unchanged. */
interface ConversationChanges {
  title?: string;
  deleted?: boolean;
  pinned?: boolean;
  read?: true;
}

/** An event of the log. `stream_id` is the request id of the message that the event accepts. */
interface Logged {
  sequence_number: number;
  stream_id?: string;
}

/** An event outside the log. */
interface Unlogged {
  sequence_number?: undefined;
  stream_id?: string;
}

type WholeEvent = Logged & {
  type:
    | "response.created"
    | "response.queued"
    | "response.in_progress"
    | "response.completed"
    | "response.incomplete"
    | "response.failed";
  response: ResponseObject;
};

type ItemEvent = Logged & {
  type: "response.output_item.added" | "response.output_item.done";
  output_index?: number;
  item: OutputItem & { id: string };
};

type PartEvent = Logged & {
  type:
    | "response.content_part.added"
    | "response.content_part.done"
    | "response.output_text.done"
    | "response.reasoning_text.done"
    | "response.refusal.done"
    | "response.function_call_arguments.done";
  item_id: string;
};

type DeltaEvent = Logged & {
  type:
    | "response.output_text.delta"
    | "response.reasoning_text.delta"
    | "response.refusal.delta"
    | "response.function_call_arguments.delta";
  item_id: string;
  output_index?: number;
  delta: string;
};

type SnapshotEvent = Logged & {
  type: "tailrace:snapshot";
  response_id: string;
  response: ResponseObject;
  waiting?: Wait | null;
};

type AttemptEvent = Logged & {
  type: "tailrace:restarted" | "tailrace:continued";
  response_id: string;
  attempt: number;
  reason?: string;
  omitted_turns?: number;
};

type WaitingEvent = Logged & Wait & { type: "tailrace:waiting"; response_id: string };

type PositionEvent = Unlogged & {
  type: "tailrace:up_to_date" | "tailrace:heartbeat";
  response_id: string;
  latest: number;
};

type QueueEvent = Unlogged & { type: "tailrace:queue"; response_id: string; position: number };

type MovingEvent = Unlogged & { type: "tailrace:moving"; reconnect_seconds: number };

type SharedChangedEvent = Unlogged & { type: "tailrace:shared_changed" };

type RefusalEvent = Unlogged & { type: "error"; error: ErrorObject; retry_after?: number };

/** The response that changed a conversation, if any. */
interface ChangeOfResponse {
  conversation: { id: string };
  response: { id: string; client_request_id?: string | null } | null;
}

type ConversationEvent = Unlogged &
  ChangeOfResponse & { type: "tailrace:conversation"; conversation: Summary & { deleted: boolean } };

type LoggedEvent = WholeEvent | ItemEvent | PartEvent | DeltaEvent | SnapshotEvent | AttemptEvent | WaitingEvent;

type ResponseEvent = LoggedEvent | PositionEvent | QueueEvent;

/** The places in which an event may name its response. */
interface EventIds {
  type: string;
  response?: { id?: string } | null;
  response_id?: string;
  item?: { id?: string };
  item_id?: string;
}

/** An event of a response, or the refusal of a command. */
type ReplyEvent = ResponseEvent | RefusalEvent;

type ServerEvent = ReplyEvent | ConversationEvent | SharedChangedEvent | MovingEvent;

/** Null for a new conversation. */
type ConversationId = string | null;

/** A message to send. The same `requestId` creates one response. */
interface Ask {
  requestId: string;
  conversationId: ConversationId;
  previousId: string | null;
  /** The response to regenerate, or null. */
  regenerateOf: string | null;
  input: string;
  attachments?: Attachment[];
  model: string;
  settings?: Settings;
}

type InputPart =
  | { type: "input_text"; text: string }
  | { type: "input_image"; file_id: string }
  | { type: "input_file"; file_id: string; filename: string };

interface InputMessage {
  type: "message";
  role: "user";
  content: InputPart[];
}

interface CreateCommand {
  type: "response.create";
  stream_id: string;
  model?: string;
  input?: string | InputMessage[];
  previous_response_id?: string;
  instructions?: string;
  temperature?: number;
  max_output_tokens?: number;
  reasoning?: { effort: string };
  tailrace: { client_request_id: string; regenerate_of?: string; conversation_id?: string };
}

type Command =
  | CreateCommand
  | { type: "tailrace:subscribe"; response_id: string; starting_after?: number }
  | { type: "tailrace:unsubscribe" | "tailrace:cancel"; response_id: string };

/** Returns whether the command was sent; nothing is queued. */
type Send = (command: Command) => boolean;
