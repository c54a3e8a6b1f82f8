// What a client keeps between connections: one record, changed by pure functions, stored as one value.

import { toBase64Url } from "./base64url.js";

/** What a `Success` grants. Times are seconds since the Unix epoch. */
export interface Grant {
  readonly session: string;
  readonly generation: number;
  /** Absent in cookie delivery, where no script ever sees it. */
  readonly token?: string | undefined;
  readonly expires_at: number;
  readonly refresh_at: number;
}

/** Who is logged in, and how the session is bound; a grant does not say so. */
export interface Owner {
  /** As it was typed at the login; null where a cookie brought back a session that nobody remembers. */
  readonly username: string | null;
  /** What shows that a presentation is ours: the session's key, or an attempt key. */
  readonly bound: "key" | "attempt";
}

/** The stored session. */
export interface Kept extends Grant, Owner {
  /** The attempt key of this generation, made when it is first presented. */
  readonly attempt?: string | undefined;
}

/** Whether both are the same generation of the same session. */
export function isSame(kept: Kept | null, grant: Grant): kept is Kept {
  return kept?.session === grant.session && kept.generation === grant.generation;
}

/**
 * `kept` with `grant` in it, if that is a newer generation of the same session. The same object says that nothing
 * changed. A session that another tab has left does not come back.
 */
export function offered(kept: Kept | null, grant: Grant): Kept | null {
  if (kept?.session !== grant.session || kept.generation >= grant.generation) return kept;
  return { ...kept, ...grant, attempt: undefined };
}

/** `kept` with a new attempt key of 16 random bytes. */
export function attempted(kept: Kept, dice: Uint8Array): Kept {
  return { ...kept, attempt: toBase64Url(dice) };
}

/** What was stored; null where it is nothing that this client wrote. */
export function fromText(text: string | null): Kept | null {
  try {
    // Where nothing was stored, null is read like the word.
    const kept = JSON.parse(text as string) as Kept | null;
    return typeof kept?.session === "string" && Number.isSafeInteger(kept.generation) ? kept : null;
  } catch {
    return null;
  }
}
