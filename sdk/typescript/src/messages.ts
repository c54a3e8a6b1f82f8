// The messages of the protocol (sections 6 to 9): what this client sends, and the server's as it reads them.

import type { Grant } from "./record.js";

/** A public key as `Login` carries it (RFC 7517); private members never leave the key store. */
export type PublicKey =
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };

type Id = { readonly id: number };
type Credentials = { readonly username: string; readonly password: string; readonly key?: PublicKey };

/** A request that changes nothing in what this client keeps; the program asks and gets the answer. */
export type Question =
  | { readonly type: "Sessions" }
  | { readonly type: "Revoke"; readonly session: string }
  | { readonly type: "ChangePassword"; readonly old_password: string; readonly new_password: string };

export type Request =
  | ({ readonly type: "Login" | "Register" } & Id & Credentials)
  | ({ readonly type: "RefreshToken"; readonly token: string; readonly attempt?: string; readonly proof?: string } & Id)
  | { readonly type: "Ack"; readonly generation: number }
  | ({ readonly type: "Logout"; readonly everywhere: boolean } & Id)
  | ({ readonly type: "Ticket" } & Id)
  | { readonly type: "Ping"; readonly id: number | string }
  | (Question & Id);

/** Another session of the same user, as `sessions()` lists them. Times are seconds since the Unix epoch. */
export interface SessionEntry {
  readonly session: string;
  readonly created_at: number;
  readonly last_seen_at: number;
  /** Whether a connection is bound to it now. */
  readonly online: boolean;
  readonly address: string;
  readonly agent: string;
  /** Whether it is the session of this client. */
  readonly current: boolean;
}

/**
 * Any message from a server: the fields that this client looks at, each of them absent where it is not what it should
 * be. A client ignores what it does not know.
 */
export interface Incoming {
  readonly type: string;
  readonly id: number | string | undefined;
  readonly reason: string | undefined;
  readonly field: string | undefined;
  readonly username: string | undefined;
  readonly session: string | undefined;
  readonly retryAfter: number | undefined;
  readonly reconnectAfter: number | undefined;
  readonly nonce: string | undefined;
  readonly heartbeat: number | undefined;
  readonly delivery: string | undefined;
  readonly ticket: string | undefined;
  readonly grant: Grant | undefined;
  readonly sessions: readonly SessionEntry[] | undefined;
}

/** Null where the text is no JSON object with a `type`: that is ignored like every other unknown message. */
export function readMessage(json: string): Incoming | null {
  const fields = parsed(json);
  const type = text(fields?.["type"]);
  if (fields === null || type === undefined) return null;
  return {
    type,
    id: text(fields["id"]) ?? count(fields["id"]),
    reason: text(fields["reason"]),
    field: text(fields["field"]),
    username: text(fields["username"]),
    session: text(fields["session"]),
    retryAfter: count(fields["retry_after"]),
    reconnectAfter: count(fields["reconnect_after"]),
    nonce: text(fields["nonce"]),
    heartbeat: count(fields["heartbeat"]),
    delivery: text(fields["delivery"]),
    ticket: text(fields["ticket"]),
    grant: readGrant(fields),
    sessions: Array.isArray(fields["sessions"]) ? fields["sessions"].filter(isSessionEntry) : undefined,
  };
}

function readGrant(fields: Fields): Grant | undefined {
  const session = text(fields["session"]);
  const generation = count(fields["generation"]);
  const expiresAt = count(fields["expires_at"]);
  const refreshAt = count(fields["refresh_at"]);
  const token = text(fields["token"]);
  if (session === undefined || generation === undefined || expiresAt === undefined || refreshAt === undefined) {
    return undefined;
  }
  return { session, generation, expiresAt, refreshAt, ...(token === undefined ? {} : { token }) };
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(json: string): Fields | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A whole number from 0 to 2^53 - 1. */
function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function isSessionEntry(value: unknown): value is SessionEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Partial<Record<keyof SessionEntry, unknown>>;
  return (
    typeof entry.session === "string" &&
    count(entry.created_at) !== undefined &&
    count(entry.last_seen_at) !== undefined &&
    typeof entry.online === "boolean" &&
    typeof entry.address === "string" &&
    typeof entry.agent === "string" &&
    typeof entry.current === "boolean"
  );
}
