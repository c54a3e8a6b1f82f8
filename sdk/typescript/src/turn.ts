// What goes into the machine and what comes out of it, one turn at a time.

import type { Incoming, PublicKey, Question, Request, SessionEntry } from "./messages.js";
import type { LogoutReason } from "./reasons.js";
import type { Grant, Kept, Owner } from "./record.js";

/** `ms` on a clock that does not jump; `unixMs` on the wall. */
export interface Now {
  readonly ms: number;
  readonly unixMs: number;
}

/** What the program chose. */
export interface Policy {
  /** Who rotates a token that grows old. */
  readonly initiative: "server" | "client";
  readonly delivery: "message" | "cookie";
  /** Whether there is a key store, so that a proof can be tried where the server wants one. */
  readonly canProve: boolean;
}

/** Where the client is, as a person would be told. */
export type Phase =
  /** No connection. The next one is tried at `until`; null: when a person or the program asks, because of `code`. */
  | { readonly at: "waiting"; readonly until: number | null; readonly code: number | null }
  | { readonly at: "connecting" }
  | { readonly at: "logged-out"; readonly reason: LogoutReason }
  | { readonly at: "authenticating" }
  | Authenticated;

export type Authenticated = { readonly at: "authenticated"; readonly grant: Grant; readonly owner: Owner };

/** How something that the program asked for went. It passes between tabs, so it holds no token. */
export type Outcome =
  | { readonly type: string; readonly sessions?: readonly SessionEntry[] }
  | { readonly code: string; readonly retry_after?: number };

export interface Login {
  readonly do: "login";
  readonly tag: number;
  readonly username: string;
  readonly password: string;
  readonly register: boolean;
  /** The public key to bind the session to; null where there is none. */
  readonly key: PublicKey | null;
}

/** What happened. What does not fit the phase changes nothing. Tags, from 1 on, come back with the outcome. */
export type Input =
  /** A connection is wanted now, without waiting any longer. */
  | { readonly do: "start" }
  | { readonly do: "opened" }
  | { readonly do: "message"; readonly message: Incoming }
  | { readonly do: "closed"; readonly code: number | null; readonly reason?: string }
  | { readonly do: "tick" }
  | Login
  | { readonly do: "logout"; readonly tag: number; readonly everywhere: boolean }
  | { readonly do: "refresh"; readonly tag: number }
  | { readonly do: "question"; readonly tag: number; readonly question: Question }
  /** The proof that was asked for, over this token; null where the key is gone. */
  | { readonly do: "signed"; readonly token: string; readonly proof: string | null }
  /** The ticket for this generation was exchanged for a cookie, or could not be. */
  | { readonly do: "exchanged"; readonly generation: number; readonly ok: boolean }
  /** Somebody else may have changed what is kept. */
  | { readonly do: "look" }
  /** What the turn before this one wanted to keep could not be stored; none of its outputs was carried out. */
  | { readonly do: "storage-failed" };

/** What the host does next, in order, after it has stored what is kept. */
export type Output =
  /** Open a WebSocket, abandoning the one before; in cookie delivery with this attempt key in its query. */
  | { readonly do: "connect"; readonly attempt: string | null }
  /** Abandon the connection: nothing that still comes from it counts. */
  | { readonly do: "drop" }
  | { readonly do: "send"; readonly request: Request }
  | { readonly do: "sign"; readonly token: string; readonly nonce: string }
  | { readonly do: "exchange"; readonly ticket: string; readonly generation: number }
  | { readonly do: "clear-cookie" }
  | { readonly do: "outcome"; readonly tag: number; readonly outcome: Outcome };

/** What outlives connections, but not the machine. */
export interface Memory {
  readonly policy: Policy;
  lastId: number;
  /** Closes since the last `Success`. */
  failures: number;
  /** Why nobody is logged in, where nobody is. */
  ended: LogoutReason;
  /**
   * The session and generation that were presented once more under a new attempt key. That is done once, on whichever connection: otherwise a
   * network that breaks in time would let it go on for ever.
   */
  renewed: string | null;
}

/** One turn of the machine: what it is given, and what it leaves behind. */
export interface Turn {
  readonly now: Now;
  /** 16 random bytes, for one thing: an attempt key, or a wait. */
  readonly dice: Uint8Array;
  readonly memory: Memory;
  /** What is kept, changed as the turn goes on. */
  kept: Kept | null;
  readonly outputs: Output[];
}

export function send(turn: Turn, request: Request): void {
  turn.outputs.push({ do: "send", request });
}

/** Nobody waits for the tag 0. */
export function tell(turn: Turn, tag: number, outcome: Outcome): void {
  if (tag) turn.outputs.push({ do: "outcome", tag, outcome });
}

export function refuse(turn: Turn, tag: number, code: string): void {
  tell(turn, tag, { code });
}

const GRANTS = new Set(["Success", "Registered", "LoggedOut", "Sessions", "Revoked", "PasswordChanged"]);

/** What a program is told about the answer to its wish. */
export function outcomeOf({ type, sessions, reason, retry_after }: Incoming): Outcome {
  if (GRANTS.has(type)) return { type, ...(sessions && { sessions }) };
  // `InvalidPassword` as a code: `invalid_password`.
  const code = reason ?? type.replace(/\B[A-Z]/g, "_$&").toLowerCase();
  return { code, ...(retry_after && { retry_after }) };
}
