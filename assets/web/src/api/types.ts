/**
 * The shapes that the API sends and takes, named as the API names them. Times are RFC 3339 strings in UTC, ids are TypeIDs.
 */

/** RFC 9457 problem document: every error has this body. `detail` is a sentence to show. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  request_id: string;
  errors?: FieldError[];
}

export interface FieldError {
  /** JSON pointer to the field, such as `/email`. */
  pointer: string;
  detail: string;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

/** What a workspace shows to visitors before they say anything. */
export interface WidgetSettings {
  workspace: string;
  name: string;
  /** `#rrggbb` */
  accent: string;
  greeting: string;
  placeholder: string;
  suggestions: string[];
  notice: string | null;
  /** Whether pictures that visitors show are looked at. */
  images: boolean;
}

export interface NewVisitor {
  visitor: string;
  token: string;
  expires_at: string;
}

export interface Conversation {
  id: string;
  state: 'open' | 'ended';
  created_at: string;
  last_message_at: string | null;
  last_seq: number;
  preview: string | null;
}

export type Author = 'visitor' | 'assistant' | 'member' | 'system';

export interface Message {
  id: string;
  conversation_id: string;
  seq: number;
  author: Author;
  author_name: string | null;
  /** May be empty where it shows pictures. */
  text: string;
  images: MessageImage[];
  created_at: string;
  reply_to: string | null;
  /** The key its sender gave it; only its sender sees it. */
  client_key: string | null;
  answer: Answer | null;
}

/** A picture; its bytes are at `/api/v1/conversations/{id}/images/{image}`. */
export interface MessageImage {
  id: string;
  media_type: string;
  /** In pixels. */
  width: number;
  height: number;
  size_bytes: number;
}

export interface Answer {
  /** The documents do not hold the answer. */
  declined: boolean;
  /** The text quotes the documents word for word. */
  quoted: boolean;
  provider: string;
  model: string;
  cost_micros: number;
  citations: Citation[];
  /** Statements that no document backs, as spans of the message's text. */
  uncited: Span[];
  timings_ms: { retrieve: number; generate: number; total: number };
  note: string | null;
}

export interface Citation {
  number: number;
  document: string;
  title: string;
  /** The path as it was uploaded. */
  name: string;
  /** Headings from the outermost in. */
  heading: string[];
  page: number | null;
  quote: string;
}

/** A span of UTF-16 code units. */
export interface Span {
  start: number;
  end: number;
}

export interface CitedDocument {
  number: number;
  document: string;
  title: string;
  name: string;
  media_type: string;
  heading: string[];
  page: number | null;
  quote: string;
  /** The readable text of the document in light Markdown; the spans are indices into it. */
  text: string;
  passage: Span;
  quotes: Span[];
  truncated: boolean;
}

export interface MessageHistory {
  items: Message[];
  next_after_seq: number | null;
}

export type Stage = 'searching' | 'waiting' | 'reading' | 'writing';

/** A piece of an answer being written: from `offset` (UTF-16 code units) on, the text so far is replaced by `text`. */
export interface DraftPiece {
  reply_to: string;
  text: string;
  offset: number;
  stage: Stage;
  /** While it waits: how many questions are answered first. */
  before?: number;
}

/** What the server sends over the WebSocket and as server-sent events. */
export type ServerFrame =
  | { type: 'connected'; id: string | null; seq: number; payload: { conversation: Conversation; assistant: 'idle' | 'answering' } }
  | { type: 'resumed'; id: string | null; seq?: number; payload: { from_seq: number; to_seq: number } }
  | { type: 'chat_message'; id: string | null; seq: number; payload: Message }
  | { type: 'draft'; id: string | null; payload: DraftPiece }
  /** The conversation was ended, here or elsewhere. */
  | { type: 'conversation_changed'; id: string | null; payload: Conversation }
  | { type: 'ack'; id: string; seq: number; payload: { message: Message } }
  | { type: 'user_typing' | 'user_stopped_typing'; id: string | null; payload: { who: 'visitor' | 'member'; name: string | null } }
  | { type: 'ping' | 'pong'; id: string | null; payload: unknown }
  | { type: 'error'; id: string | null; payload: { code: string; detail: string; fatal: boolean } };

export type ClientFrame =
  | { type: 'chat_message'; id: string; payload: { text: string; images?: string[] } }
  | { type: 'user_typing' | 'user_stopped_typing'; id: null; payload: Record<string, never> }
  | { type: 'ping' | 'pong'; id: string | null; payload: Record<string, never> };

/** The roles that every workspace has; others are named by their id. */
export type BuiltInRole = 'viewer' | 'agent' | 'admin' | 'owner';

export interface Me {
  account: { id: string; name: string; email: string };
  /** Runs the appliance as a whole. */
  operator: boolean;
  mfa: { enabled: boolean; enabled_at: string | null; recovery_codes_left: number };
  /** The one before this. */
  last_sign_in: { at: string; address: string | null; user_agent: string | null } | null;
  workspaces: Membership[];
}

/** What a person is in one workspace. */
export interface Membership {
  id: string;
  slug: string;
  name: string;
  role: string;
  role_name: string;
  permissions: string[];
  mfa_required: boolean;
  suspended: boolean;
}

/** The password was right, and the account asks for a second step. */
export interface Challenge {
  challenge: string;
  expires_at: string;
}

export interface Session {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  address: string | null;
  user_agent: string | null;
  current: boolean;
}

/** A second factor that is not confirmed yet. */
export interface Enrolment {
  secret: string;
  /** `otpauth://` */
  uri: string;
  /** A whole SVG document. */
  qr_svg: string;
}

export interface RecoveryCodes {
  recovery_codes: string[];
}

export interface PermissionInfo {
  permission: string;
  description: string;
  /** Whether a program with an API key may have it. */
  for_keys?: boolean;
}

export interface Role {
  id: string;
  name: string;
  built_in: boolean;
  permissions: string[];
  /** How many have it. */
  members: number;
}

export interface Member {
  account_id: string;
  name: string;
  email: string;
  role: string;
  role_name: string;
  mfa: boolean;
  joined_at: string;
}

export interface Invitation {
  id: string;
  email: string;
  role: string;
  role_name: string;
  invited_by: string | null;
  created_at: string;
  expires_at: string;
}

export interface NewInvitation {
  invitation: Invitation;
  /** Shown once. */
  link: string;
  mailed?: boolean;
}

/** What an invitation says to whoever holds its link. */
export interface InvitationLook {
  workspace_name: string;
  email: string;
  role_name: string;
  account_exists: boolean;
}

export interface AuditEntry {
  sequence: number;
  trail: 'appliance' | 'workspace';
  at: string;
  actor: { kind: string; id?: string | null; name?: string | null };
  action: string;
  subject?: string | null;
  subject_name?: string | null;
  details?: Record<string, string>;
  address?: string | null;
  request: string;
}

export interface WorkspaceUsage {
  /** By what is counted; a limit of null is none. */
  quotas: Record<string, { used: number; limit: number | null }>;
}

/** A budget's period; money in millionths. */
export interface BudgetPeriod {
  spent_micros: number;
  limit_micros: number | null;
  resets_at: string;
}

export interface Budget {
  day: BudgetPeriod;
  month: BudgetPeriod;
}

/** A workspace as the operator sees it. */
export interface Tenant {
  id: string;
  slug: string;
  name: string;
  created_at: string;
  suspended: boolean;
  members: number;
  documents: number;
  storage_bytes: number;
  /** The quotas that hold; null is no limit. */
  quotas: Record<string, number | null>;
  /** What was set for it alone; null follows the appliance, 0 is no limit. */
  own_quotas?: Record<string, number | null>;
}

/** What is left of an erased workspace: the word that it is gone. */
export interface ErasureProof {
  tenant: string;
  slug: string | null;
  /** Null while it is being erased, which goes on by itself. */
  erased_at: string | null;
  files: number;
  bytes: number;
  rows: number;
  /** Accounts of people who were members of nothing else. */
  accounts?: number;
  /** Where copies may be, in a sentence. */
  copies?: string;
  sha256?: string | null;
}

/** A workspace that came from a file. */
export interface Imported {
  id: string;
  slug: string;
  name: string;
  /** People who are members again. */
  members?: number;
  /** People who are not; they can be invited. */
  not_imported?: { email: string; name: string; role: string }[];
  /** What the file does not hold, and how it is had again. */
  left_out?: string[];
}

export interface ApplianceState {
  version: string;
  started_at: string;
  /** Only those who run the appliance are served. */
  recovery?: boolean;
  data_dir_bytes: number;
  disk_free_bytes: number;
  memory_bytes: number;
  memory_bytes_max: number;
  checks: Check[];
}

export interface Check {
  name: string;
  state: 'ok' | 'warning' | 'failed';
  detail: string;
  fix?: string | null;
}

export interface Backup {
  name: string;
  made_at: string;
  bytes: number;
  encrypted: boolean;
  verified_at: string | null;
  problem: string | null;
  version: string | null;
}

export interface BackupList {
  items: Backup[];
  /** The one that is being made. */
  running?: { name?: string; since: string; bytes: number } | null;
  /** The last attempt, if it failed. */
  last_failure?: { name: string; at: string; problem: string } | null;
  /** When the next one is made by itself. */
  next_at?: string | null;
}

export interface Workspace {
  id: string;
  slug: string;
  name: string;
  accent: string;
  greeting: string;
  placeholder: string;
  suggestions: string[];
  notice: string | null;
  /** What becomes of a model's answer in which a statement has no source; null for the appliance's setting. */
  uncited_claims: 'withhold' | 'mark' | null;
  /** Whether its members need a second factor. */
  mfa_required?: boolean;
}

export interface ApiKey {
  id: string;
  name: string;
  permissions: string[];
  /** Its first letters, to know it by. */
  hint?: string;
  created_at: string;
  expires_at: string | null;
  last_used_at?: string | null;
}

export interface NewApiKey {
  key: ApiKey;
  /** Shown once; only its hash is kept. */
  secret: string;
}

export type DocumentState = 'received' | 'extracting' | 'embedding' | 'ready' | 'failed';

export interface Document {
  id: string;
  name: string;
  title: string;
  media_type: string;
  size_bytes: number;
  state: DocumentState;
  progress: { done: number; total: number };
  chunks: number;
  language: string | null;
  failure: { code: string; detail: string } | null;
  /** Why reading it does not get on at the moment; it goes on by itself. */
  waiting: { code: string; detail: string } | null;
  created_at: string;
  updated_at: string;
}
