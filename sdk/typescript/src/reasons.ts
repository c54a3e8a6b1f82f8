// Why somebody is logged out, in one word each.

/** The reasons of `InvalidToken` (protocol, section 9). */
export type Refusal = "malformed" | "expired" | "stale" | "reused" | "revoked" | "unknown" | "proof_required";

/** The reasons of `Ended`, and of a close with 4403 (protocol, sections 7 and 10). */
export type Ending = "logout" | "reused" | "admin" | "password_changed" | "limit" | "expired";

/**
 * Why nobody is logged in.
 *
 * - `logged_out`: nobody was, or this program logged out.
 * - `logout`, `admin`, `password_changed`, `limit`: the session was ended elsewhere, or by its owner on another device.
 * - `reused`: two parties held the same token; tell the person that somebody else may have used the session.
 * - `expired`: the session reached its time limit, or the client was away for too long.
 * - `revoked`, `unknown`, `malformed`, `stale`, `proof_required`: the server refused the stored token.
 * - `key_lost`: the session is bound to a key that this browser no longer has.
 * - `cookie_lost`: the cookie that held the session is gone.
 * - `storage`: the storage is full, blocked, or was wiped.
 */
export type LogoutReason = "logged_out" | "key_lost" | "cookie_lost" | "storage" | Refusal | Ending;

const KNOWN: readonly unknown[] =
  "malformed expired stale reused revoked unknown proof_required logout admin password_changed limit".split(" ");

/** A reason that the server gave, or what one that this client does not know is taken for. */
export function known(reason: string | undefined, otherwise: LogoutReason): LogoutReason {
  return KNOWN.includes(reason) ? (reason as LogoutReason) : otherwise;
}
