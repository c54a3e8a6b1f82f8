// What a program is told about its session.

import type { LogoutReason } from "./reasons.js";
import type { Grant, Owner } from "./record.js";

/**
 * Where a session is. Times are seconds since the Unix epoch, but `until`, which is milliseconds.
 *
 * - `connecting`: a connection is being made. `username`: whose session goes on with it; null where nobody's does.
 * - `waiting`: the connection was lost; the next one is tried at `until`.
 * - `stopped`: the client stays away until `connect()` or `login()`, because the server closed with `code`; or with 4409
 *   because another tab or program has the session. The session is kept.
 * - `logged-out`: nobody is logged in, for this reason; somebody can be now.
 * - `authenticating`: the server looks at a token or a password.
 * - `authenticated`: the connection is the session. `bound`: what shows that a presented token is this client's:
 *   a key that cannot be copied, or a stored attempt key.
 * - `closed`: after `close()`.
 */
export type Status =
  | { readonly status: "connecting"; readonly username: string | null }
  | { readonly status: "waiting"; readonly username: string | null; readonly until: number }
  | { readonly status: "stopped"; readonly username: string | null; readonly code: number }
  | { readonly status: "logged-out"; readonly reason: LogoutReason }
  | { readonly status: "authenticating"; readonly username: string | null }
  | Authenticated
  | { readonly status: "closed" };

/** Whose session it is, and which generation of it. */
export type Authenticated = { readonly status: "authenticated" } & Owner & Omit<Grant, "token">;

/** `leader`: whether this tab holds the connection that all tabs share. */
export type State = Status & { readonly leader: boolean };
