/** Global types of the page's scripts, beside those of wire.d.ts. No page loads this file. */

type Address = import("../static/chat/shell/address.js").Address;
type ApiClient = import("../static/chat/server/api_client.js").ApiClient;
type ApiError = import("../static/chat/server/api_client.js").ApiError;
type CodeBlock = import("../static/chat/markdown/code_block.js").CodeBlock;
type Composer = import("../static/chat/shell/composer.js").Composer;
type Conversation = import("../static/chat/conversation/conversation.js").Conversation;
type ConversationList = import("../static/chat/sidebar/conversation_list.js").ConversationList;
type ConversationListView = import("../static/chat/sidebar/conversation_list_view.js").ConversationListView;
type Drafts = import("../static/chat/storage/drafts.js").Drafts;
type ListController = import("../static/chat/sidebar/list_controller.js").ListController;
type OpenConversations = import("../static/chat/conversation/open_conversations.js").OpenConversations;
type PendingFile = import("../static/chat/attachments/pending_files.js").PendingFile;
type Queue = import("../static/chat/storage/queue.js").Queue;
type QueuedMessages = import("../static/chat/conversation/queued_messages.js").QueuedMessages;
type Outbox = import("../static/chat/storage/outbox.js").Outbox;
type ResponseState = import("../static/chat/conversation/response_state.js").ResponseState;
type Sidebar = import("../static/chat/sidebar/sidebar.js").Sidebar;
type Socket = import("../static/chat/server/socket.js").Socket;
type Store = import("../static/chat/storage/store.js").Store;
type Timing = import("../static/chat/conversation/timing.js").Timing;
type Toast = import("../static/chat/shell/toast.js").Toast;
type Turn = import("../static/chat/conversation/turn.js").Turn;
type TurnTree = import("../static/chat/conversation/turn_tree.js").TurnTree;

type Timer = ReturnType<typeof setTimeout> | undefined;

// conversation/

interface ConversationData {
  id: ConversationId;
  responses: ResponseRow[];
  /** When they were received, in ms; else now. */
  at?: number;
}

interface ConversationCallbacks {
  changed: (turn: Turn) => void;
  path: () => void;
  refused: (turn: Turn) => void;
  /** The server has created the response of a turn. */
  accepted: (turn: Turn) => void;
  named: (id: string) => void;
}

interface QueuedMessagesParts {
  queue: Queue;
  on: { changed: (conversation: Conversation) => void };
  now: () => number;
}

interface ConversationParts {
  send: Send;
  outbox: Pick<Outbox, "keep" | "drop">;
  on: ConversationCallbacks;
  now?: () => number;
}

type NewTurn = Pick<Ask, "input" | "model" | "previousId"> & Partial<Ask>;

interface KeptMessagesParts {
  outbox: Outbox;
  drafts: Drafts;
  send: Send;
  /** Opens a new conversation. */
  create: () => Conversation;
}

/** All but `listed` concern the visible conversation. */
interface PageCallbacks extends Omit<ConversationCallbacks, "accepted"> {
  /** Its queued messages have changed. */
  queued: () => void;
  shown: (conversation: Conversation) => void;
  loaded: (summary: Summary) => void;
  /** The turn of a search's match is on the visible path. */
  found: (turn: Turn) => void;
  /** The set of conversations without an id has changed. */
  listed: () => void;
}

interface OpenConversationsParts {
  api: Pick<ApiClient, "responses">;
  drafts: Drafts;
  outbox: Outbox;
  queue: Queue;
  send: Send;
  on: PageCallbacks;
  now?: () => number;
}

// server/

type ConnectionState = "idle" | "connecting" | "open" | "reconnecting" | "offline" | "signed-out" | "too-many";

interface SocketCallbacks {
  /** Makes a guest, whose socket's path it resolves to. Rejects with an ApiError. */
  admit: () => Promise<string>;
  onEvent: (event: ServerEvent) => void;
  onOpen: () => void;
  onClose: (code?: number) => void;
  onState: (state: ConnectionState, before: ConnectionState) => void;
}

interface ListQuery {
  search?: string;
  /** The cursor; null for the first page. */
  before?: string | null;
}

/** Turns above or below a response, or on both sides with it. */
interface Place {
  before?: string;
  after?: string;
  at?: string;
}

interface OneConversation {
  conversation: Summary;
  responses: ResponseRow[];
}

/** Handles an ApiError, and rethrows any other error. */
type IfApiError = <Result>(handle: (error: ApiError) => Result) => (error: unknown) => Result;

interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
}

type ApiPaths = Pick<PageData, "conversation_path" | "file_path" | "guest_path" | "preferences_path">;

/** OpenAI's file object, as far as the page reads it. */
interface StoredFile {
  id: string;
  filename: string;
}

interface UploadOptions {
  /** Gets the share of the bytes that were sent. */
  progress: (share: number) => void;
  signal: AbortSignal;
}

/** Rejects with an ApiError. */
type UploadFile = (file: File, type: string, options: UploadOptions) => Promise<StoredFile>;

// attachments/

/** `text_only`, `exceeds_context`: of the chosen model. */
type FileRefusal = "empty_file" | "file_too_large" | "unsupported_file" | "text_only" | "exceeds_context";

type AttachmentState = "none" | "waiting" | "ready";

interface PendingFilesParts {
  api: Pick<ApiClient, "upload" | "deleteFile">;
  drafts: Pick<Drafts, "filesOf" | "keepFiles">;
  limit: number;
  /** The chosen one. */
  model: () => Pick<Model, "images" | "context">;
  on: {
    changed: () => void;
    refused: (name: string, code: FileRefusal, size: number) => void;
    failed: (pending: PendingFile) => void;
  };
}

interface ChipCallbacks {
  fileUrl: (id: string) => string;
  retry: (pending: PendingFile) => void;
  remove: (pending: PendingFile) => void;
}

interface PastedTextsCallbacks {
  changed: () => void;
  /** Back into the box. */
  edit: (text: string) => void;
  removed: () => void;
}

interface AttachmentsParts {
  api: ApiClient;
  drafts: Drafts;
  limit: number;
  /** The chosen one. */
  model: () => Model;
  on: { changed: () => void; warn: (text: string) => void; cleared: () => void; removed: () => void };
}

interface Guest {
  owner: string;
  socket_path: string;
}

interface EarlierCallbacks {
  /** Resolves to whether there were any. */
  load: () => Promise<boolean>;
  announce: (text: string) => void;
}

// storage/

type Message = Pick<Ask, "input" | "attachments" | "settings">;

type OutboxEntry = Ask & { at: number };

/** A message that waits for the end of an answer. */
interface QueuedMessage extends Message {
  requestId: string;
  conversationId: string;
  /** The response that it follows; null: not known yet. */
  after: string | null;
  /** It is being edited. */
  held: boolean;
  model: string;
  at: number;
}

type StorageOfStore = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

// markdown/

type Link = NonNullable<ReturnType<typeof import("../static/chat/markdown/links.js").safeLink>>;

type Attributes = Record<string, string> | null;

/** A wanted element. With the same key the element that is there stays as it is. */
interface Tree {
  tag: string;
  kids: Kid[] | (() => Kid[]);
  attributes: Attributes;
  key: string | null;
  code?: CodePart;
  formula?: FormulaPart;
}

type Kid = string | Tree;

interface CodePart {
  text: string;
  language: string;
  ended: boolean;
}

interface FormulaPart {
  /** TeX without its delimiters. */
  source: string;
  display: boolean;
  /** With them. */
  raw: string;
}

interface WaitingFormula extends FormulaPart {
  holder: HTMLElement;
}

interface FormulaToken {
  type: "formula";
  raw: string;
  source: string;
  display: boolean;
  /** Its end may follow. */
  open: boolean;
}

/** A part of a long text, and the space behind it. */
interface PartToken {
  type: "part";
  raw: string;
  gap: string;
  tokens: import("../static/chat/vendor/marked/marked.esm.js").Token[];
}

interface LexerOptions {
  text: string;
  /** Definitions in texts that are not read. */
  links: LinkDefinitions;
  /** Nothing follows. */
  over: boolean;
  /** The text begins with the head of an open block, which is no formula. */
  inside: boolean;
  /** It begins with the rest of a paragraph. */
  goesOn: boolean;
  /** Whether an address may be followed. */
  follows: (address: string) => unknown;
}

type MarkedToken = import("../static/chat/vendor/marked/marked.esm.js").Token;
type MarkedParagraph = import("../static/chat/vendor/marked/marked.esm.js").Tokens.Paragraph;
type MarkedListItem = import("../static/chat/vendor/marked/marked.esm.js").Tokens.ListItem;
type MarkedTableCell = import("../static/chat/vendor/marked/marked.esm.js").Tokens.TableCell;
type MarkedLink = import("../static/chat/vendor/marked/marked.esm.js").Tokens.Link;
type MarkedImage = import("../static/chat/vendor/marked/marked.esm.js").Tokens.Image;
type MarkedTag = import("../static/chat/vendor/marked/marked.esm.js").Tokens.Tag;
type MarkedText = import("../static/chat/vendor/marked/marked.esm.js").Tokens.Text;
type MarkedOptions = import("../static/chat/vendor/marked/marked.esm.js").MarkedOptions;
type MarkedHooks = import("../static/chat/vendor/marked/marked.esm.js").Hooks;
type CodeToken = import("../static/chat/vendor/marked/marked.esm.js").Tokens.Code & {
  source?: { lines: string[]; quotations: number };
};
type HoldsLines = (lines: string[], start: number, raw: string[]) => boolean;
type ListToken = import("../static/chat/vendor/marked/marked.esm.js").Tokens.List;
type TableToken = import("../static/chat/vendor/marked/marked.esm.js").Tokens.Table;
type KnownToken = import("../static/chat/vendor/marked/marked.esm.js").MarkedToken | FormulaToken | PartToken;
type LinkDefinitions = import("../static/chat/vendor/marked/marked.esm.js").Links;

/** A block of a text; `start` counts from the beginning of the text. */
interface Block {
  token: import("../static/chat/vendor/marked/marked.esm.js").Token;
  start: number;
  trees: Tree[];
  /** Link definitions, also in items and quotations. */
  defines: LinkDefinitions | null;
}

interface InnerParts {
  starts: number[];
  texts: string[];
  /** By each item of a list. */
  defines: (LinkDefinitions | null)[];
  loosens: boolean[];
  isOpenAt: (text: string, start: number) => boolean;
  /** Null: the parts are no children of an element. */
  inside: ((top: HTMLElement) => Pick<Inside, "container" | "prefix" | "kidsOf">) | null;
}

/** A list or table of which only the last part is read. */
interface Inside {
  top: HTMLElement;
  container: HTMLElement;
  /** The last finished part. */
  last: ChildNode | null;
  /** Finished items make it loose. */
  loose: boolean;
  /** The source that makes the last part what it is: the head of a table. */
  prefix: string;
  kidsOf: (tree: Tree) => Kid[];
}

/** The source of a finished node, for a definition that comes later. */
interface FinishedText {
  node: ChildNode;
  text: string;
  pick: (blocks: Block[]) => Kid | undefined;
  /** Of a list or table. */
  inside: boolean;
  /** It continues a paragraph. */
  goesOn: boolean;
}

/** Browsers that parse without scripts. */
interface SafeHtmlElement {
  setHTML?: (html: string) => void;
  textContent: string | null;
}

// turns/

interface MarkdownText {
  /** Whether all is shown; else write again, perhaps nothing. */
  write: (text: string) => boolean;
  end: () => void;
}

interface PlainText {
  show: (text: string, edition: number) => void;
}

interface TextMakers {
  markdown: (root: HTMLElement) => MarkdownText;
  plain: (root: HTMLElement) => PlainText;
}

interface StatusSituation {
  connection: ConnectionState;
  now: number;
}

interface FrameSituation extends StatusSituation {
  busy: boolean;
}

interface Situation extends FrameSituation {
  siblings: Turn[];
  /** It is the path's last turn. */
  last: boolean;
}

interface QuestionSituation {
  siblings: Turn[];
  /** The versions differ in their input: the walker is here, else below the answer. */
  walksHere: boolean;
  busy: boolean;
}

interface QuestionCallbacks {
  /** The address of a file. */
  fileUrl: (id: string) => string;
  edit: (turn: Turn, input: string) => void;
  choose: (turn: Turn) => void;
}

interface TurnCallbacks extends QuestionCallbacks {
  retry: (turn: Turn) => void;
  /** Of an answer that was cut at its length limit. */
  continue: (turn: Turn) => void;
  regenerate: (turn: Turn) => void;
}

interface TurnListCallbacks extends TurnCallbacks {
  readOnly?: boolean;
  connection: () => ConnectionState;
  /** The latest turn has started or ended. */
  announce: (text: string) => void;
  /** After each frame. */
  painted: (empty: boolean) => void;
}

interface QueuedCallbacks {
  fileUrl: (id: string) => string;
  change: (requestId: string, changes: Partial<QueuedMessage>) => void;
  send: (requestId: string) => void;
  cancel: (message: QueuedMessage) => void;
}

interface EditorCallbacks {
  send: (text: string) => void;
  cancel: () => void;
}

// sharing/

interface SharedParts {
  send: Send;
  on: Pick<ConversationCallbacks, "changed" | "path"> & {
    titled: (title: string) => void;
    /** The link gives no access any more. */
    ended: () => void;
  };
}

// sidebar/

interface Marks {
  waiting?: boolean;
  running?: boolean;
  unread?: boolean;
}

interface RowContent extends Marks {
  title: string;
  href: string;
  current: boolean;
  match?: Match;
}

interface RowCallbacks {
  open: () => void;
  rename?: (title: string) => void;
  remove?: (byKeyboard: boolean) => void;
  /** Open the menu at its button. */
  menu?: (anchor: HTMLElement) => void;
}

/** A conversation whose menu is opened, at its address; `rename` begins to edit its title. */
interface MenuSubject {
  summary: Summary;
  href: string;
  on: ListViewOptions["on"];
  rename: () => void;
}

interface ListViewOptions {
  address: Address;
  on: {
    /** `at`: the response of a search's match. */
    open: (id: string, at?: string) => void;
    show: (conversation: Conversation) => void;
    rename: (id: string, title: string) => void;
    pin: (id: string, pinned: boolean) => void;
    remove: (id: string, byKeyboard: boolean) => void;
    search: (text: string) => void;
    more: () => void;
  };
}

interface ListContent {
  rows: Summary[];
  /** Conversations without an id. */
  waiting: Conversation[];
  shown: Conversation;
  search: string;
}

/** The latest change of an id; summary null = deleted. */
interface ListChange {
  version: number;
  summary: Summary | null;
}

interface ListControllerParts {
  api: Pick<ApiClient, "change">;
  on: { changed: () => void; failed: (error: ApiError) => void };
}

interface ListPagesParts {
  api: Pick<ApiClient, "list">;
  changed: () => void;
}

interface DeleteAllParts {
  button: HTMLElement;
  api: Pick<ApiClient, "count" | "deleteAll">;
  /** That deleted conversations are kept; 0: for ever. */
  days: number;
  on: {
    /** Leave the shown conversation. */
    leave: () => void;
    deleted: (text: string) => void;
    failed: (error: ApiError) => void;
  };
}

interface SidebarParts {
  toggle: HTMLElement;
  close: HTMLElement;
  /** Everything that an open drawer covers. */
  main: HTMLElement;
}

// shell/

/** `context`: tokens, or null if unknown. */
interface MessageLimits {
  characters: number;
  context: number | null;
}

interface ComposerOptions {
  limits: () => MessageLimits;
  on: {
    ask: (input: string) => void;
    stop: () => void;
    changed: () => void;
    /** Returns whether there is a question that can be edited. */
    editLast: () => boolean;
  };
}

interface SettingsPanelOptions {
  open: HTMLElement;
  models: Model[];
  on: {
    /** The chosen one. */
    model: () => Model;
    choose: (model: string) => void;
    defaults: () => Settings;
    changed: (settings: Settings) => void;
    /** Keeps them as the person's default; resolves to the error. */
    save: (settings: Settings) => Promise<ErrorObject | null>;
  };
}

interface NavigationParts {
  openConversations: OpenConversations;
  list: ConversationList;
  listController: ListController;
  listView: ConversationListView;
  sidebar: Sidebar;
  composer: Composer;
  address: Address;
  toast: Toast;
  failed: (error: ApiError) => void;
  /** That deleted conversations are kept; 0: for ever. */
  days: number;
}

interface VisibilityParts {
  openConversations: {
    shown: Pick<Conversation, "id" | "isMissing">;
    refresh: () => void;
    nameWaiting: (event: ConversationEvent) => void;
  };
  list: ConversationList;
  listController: {
    markRead: (id: string) => void;
    applyChange: (conversation: ConversationEvent["conversation"]) => void;
  };
  listPages: { reload: () => void };
  navigation: { removedElsewhere: (summary: Summary) => void };
  isHidden?: () => boolean;
}

interface LiveRegionElements {
  announcer: HTMLElement;
  notice: HTMLElement;
}

type PageAction = "compose" | "create" | "search" | "next" | "previous" | "sidebar" | "stop" | "undo";

interface LocalKeys {
  keys: string[];
  text: string;
}

interface Shortcut extends LocalKeys {
  action: PageAction | "sheet";
}

/** `typing`: the focus is in a text field; `single`: single keys are on. */
type Press = Pick<KeyboardEvent, "key"> & Partial<KeyboardEvent> & { typing?: boolean; single?: boolean };

interface SheetOptions {
  button: HTMLElement;
  store: Store;
  act: (action: PageAction) => void;
}

interface ScrollPosition {
  before: number;
  after: number;
  /** Pixels left under the window. */
  below: number;
}

// dom/

/** A link to a file, or an action, which learns whether it was chosen by keyboard. */
interface MenuEntry {
  label: string;
  href?: string;
  act?: (byKeyboard: boolean) => void;
}

type ComposingKey = Partial<Pick<KeyboardEvent, "isComposing" | "keyCode">>;

type FindElement = <Kind extends Element>(selector: string, kind: new () => Kind, root?: ParentNode) => Kind;

type MakeButton = (
  className: string,
  text: string,
  pressed: (event: MouseEvent) => void,
  label?: string | null,
) => HTMLButtonElement;

type SetProperty = <Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  value: Target[Name],
) => void;
