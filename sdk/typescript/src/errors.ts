// What a program is told when something that it asked for was not granted.

import type { Outcome } from "./turn.js";

/**
 * Why a request was not granted. `code` is the server's own word where it has one (`invalid_password`,
 * `username_taken`, `too_many_requests`, `unknown_session`, …), or one of this client's:
 *
 * - `not_logged_in`, `already_authorized`: it does not fit who is logged in.
 * - `lost`: the connection was lost before the answer came, or the tab that holds it was closed or did not answer, or
 *   this page went into the browser's back/forward cache; what was asked for may have been done.
 * - `timeout`: there was no connection in time, and nothing was done.
 * - `stopped`: the client stays away from the server, see `State`.
 * - `busy`: the same is being done already.
 * - `queue_full`: too much waits to be sent.
 * - `storage`: the session could not be kept, and is over.
 * - `key_lost`: its key is gone, and the session with it.
 * - `cookie_delivery`: not to be done by a script where a cookie holds the token.
 * - `unexpected_answer`: the server delivers tokens in another way than this client was told.
 * - `closed`: the client was closed.
 */
export class HandfastError extends Error {
  override readonly name = "HandfastError";
  declare readonly code: string;
  /** Seconds to wait before it is worth a try again, where the server said so. */
  declare readonly retryAfter: number | undefined;

  constructor(code: string, retryAfter?: number) {
    super(code);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** What was granted, or throws. */
export function granted(outcome: Outcome): Extract<Outcome, { type: string }> {
  if ("code" in outcome) throw new HandfastError(outcome.code, outcome.retry_after);
  return outcome;
}
