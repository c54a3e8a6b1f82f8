// What goes into the machine and what comes out of it, one turn at a time; and what it remembers in between.

import type { Line, Shown } from "./line.js";
import type { Credentials, Incoming, Request, SessionEntry, Wish } from "./messages.js";
import type { LogoutReason } from "./reasons.js";
import type { Kept } from "./record.js";

/** `ms` on a clock that does not jump; `unixMs` on the wall. */
export interface Time {
  readonly ms: number;
  readonly unixMs: number;
}

/** On any clock. */
export const NEVER = Number.POSITIVE_INFINITY;

/** What the program chose. */
export interface Policy {
  /** Whether this client rotates a token that grows old; otherwise the server does. */
  readonly isInCharge: boolean;
  /** Whether a cookie holds the token; otherwise messages bring it. */
  readonly isByCookie: boolean;
  /** Whether there is a key store, so that a proof can be tried where the server wants one. */
  readonly canProve: boolean;
}

/** How something that the program asked for went. It passes between tabs, so it holds no token. */
export type Outcome =
  | { readonly type: string; readonly sessions?: readonly SessionEntry[] | undefined }
  | { readonly code: string; readonly retry_after?: number | undefined };

/** Whom to tell how something went; undefined where nobody waits for it. */
export type Settle = ((outcome: Outcome) => void) | undefined;

export interface Login {
  readonly do: "login";
  readonly settle: Settle;
  /** With the public key to bind the session to, where there is one. */
  readonly wish: Credentials;
}

/** What happened. What does not fit the moment changes nothing. */
export type Input =
  /** A connection is wanted now, without waiting any longer. */
  | { readonly do: "start" }
  | { readonly do: "opened" }
  | { readonly do: "message"; readonly message: Incoming }
  | { readonly do: "closed"; readonly code: number | null; readonly reason?: string }
  | { readonly do: "tick" }
  | Login
  /** What changes nothing in what this client keeps is only `ask`. */
  | { readonly do: "logout" | "ask"; readonly settle: Settle; readonly wish: Wish }
  | { readonly do: "refresh"; readonly settle: Settle }
  /** The proof that was asked for, over this token; null where the key is gone. */
  | { readonly do: "signed"; readonly token: string; readonly proof: string | null }
  /** The ticket for this generation was exchanged for a cookie, or could not be. */
  | { readonly do: "exchanged"; readonly generation: number; readonly ok: boolean }
  /** Somebody else may have changed what is kept. */
  | { readonly do: "look" }
  /** What the turn before this one wanted to keep could not be stored, so nothing is; none of its outputs was carried out. */
  | { readonly do: "unstored" };

/** What the host does next, in order, after it has stored what is kept. */
export type Output =
  /** Open a WebSocket, abandoning the one before; in cookie delivery with this attempt key in its query. */
  | { readonly do: "connect"; readonly attempt: string | null }
  /** Abandon the connection: nothing that still comes from it counts. */
  | { readonly do: "drop" }
  | { readonly do: "send"; readonly what: Request }
  | { readonly do: "sign"; readonly token: string; readonly nonce: string }
  | { readonly do: "exchange"; readonly ticket: string; readonly generation: number }
  | { readonly do: "clear-cookie" }
  | { readonly do: "outcome"; readonly settle: NonNullable<Settle>; readonly what: Outcome };

/**
 * The life of a client: away, dialing, on a line, and away again. Wall clock, for people. `logged-out`: away until
 * somebody wants to log in.
 */
export type Link =
  | { readonly status: "logged-out"; readonly reason: LogoutReason; readonly until?: undefined }
  | { readonly status: "waiting"; readonly until: number }
  | { readonly status: "stopped"; readonly code: number; readonly until?: undefined }
  | { readonly status: "connecting"; readonly until?: undefined }
  | { readonly status: "open"; readonly until?: undefined };

/** What a turn was given, and what it leaves behind. */
export interface Turn {
  time: Time;
  /** 16 random bytes, for one thing: an attempt key, or a wait. */
  dice: Uint8Array;
  /** What is kept, changed as the turn goes on. */
  kept: Kept | null;
  outputs: Output[];
}

/** A client: what outlives its turns, and the turn under way. */
export interface Machine extends Turn {
  readonly policy: Policy;
  link: Link;
  /** When to connect by itself, on the clock that does not jump. */
  dialAt: number;
  /** The open connection. It means nothing while none is. */
  line: Line;
  lastId: number;
  /** Closes since the last `Success`. */
  failures: number;
  /** Why nobody is logged in, where nobody is. */
  ended: LogoutReason;
  /**
   * The session and generation that were presented once more under a new attempt key. That is done once, on whichever
   * connection: otherwise a network that breaks in time would let it go on for ever.
   */
  renewed?: string;
  /**
   * What was presented last on a connection that ended before the answer. It may be decided later, for that connection,
   * and take the session from a later one.
   */
  unanswered?: Shown | null;
}

export function isByCookie({ policy }: Machine): boolean {
  return policy.isByCookie;
}

export function tell({ outputs }: Machine, settle: Settle, outcome: Outcome): void {
  if (settle) outputs.push({ do: "outcome", settle, what: outcome });
}

export function refuse(machine: Machine, settle: Settle, code: string): void {
  tell(machine, settle, { code });
}

/** But for those that bring a token: whoever takes that says so. */
const GRANTS = ["LoggedOut", "Sessions", "Revoked", "PasswordChanged"];

/** What a program is told about the answer to its wish. */
export function outcomeOf({ type, sessions, reason, retry_after }: Incoming): Outcome {
  if (GRANTS.includes(type)) return { type, sessions };
  // `InvalidPassword` as a code: `invalid_password`.
  return { code: reason ?? type.replace(/\B[A-Z]/g, "_$&").toLowerCase(), retry_after };
}
