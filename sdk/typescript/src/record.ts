// What a client keeps between connections: one record, changed by pure functions, stored as one value.

import { toBase64Url } from "./base64url.js";

/** The stored session. All times are seconds since the Unix epoch. */
export interface Kept {
  readonly session: string;
  readonly generation: number;
  /** Absent in cookie delivery, where no script ever sees it. */
  readonly token?: string;
  readonly expiresAt: number;
  readonly refreshAt: number;
  /** As it was typed at the login; null where a cookie brought back a session that nobody remembers. */
  readonly username: string | null;
  /** What shows that a presentation is ours: the session's key, or an attempt key. */
  readonly bound: "key" | "attempt";
  /** The attempt key of this generation, made when it is first presented. */
  readonly attempt?: string;
}

/** A record whose generation is about to be presented under this attempt key. */
export type Attempted = Kept & { readonly attempt: string };

/** What a `Success` grants; who it is for is known from the record before it, or from the login. */
export type Grant = Pick<Kept, "session" | "generation" | "token" | "expiresAt" | "refreshAt">;

/**
 * `kept` with `grant` in it, if that is a newer generation of the same session. The same object says that nothing
 * changed. A session that another tab has left does not come back.
 */
export function offered(kept: Kept | null, grant: Grant): Kept | null {
  if (kept?.session !== grant.session || kept.generation >= grant.generation) return kept;
  return { ...grant, username: kept.username, bound: kept.bound };
}

/** Whether `grant` is what is kept, so that it may be acknowledged. */
export function keeps(kept: Kept | null, grant: Grant): boolean {
  return kept?.session === grant.session && kept.generation === grant.generation;
}

/** `kept` with an attempt key: the one that is there, or a new one of 16 random bytes. */
export function attempted(kept: Kept, dice: Uint8Array): Attempted {
  return hasAttempt(kept) ? kept : reattempted(kept, dice);
}

/** `kept` with a new attempt key, whatever was there: somebody else is ahead with this very generation. */
export function reattempted(kept: Kept, dice: Uint8Array): Attempted {
  return { ...kept, attempt: toBase64Url(dice) };
}

function hasAttempt(kept: Kept): kept is Attempted {
  return kept.attempt !== undefined;
}

export function fromText(text: string | null): Kept | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isKept(value) ? value : null;
  } catch {
    return null;
  }
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const kept = value as Partial<Record<keyof Kept, unknown>>;
  return (
    typeof kept.session === "string" &&
    typeof kept.generation === "number" &&
    typeof kept.expiresAt === "number" &&
    typeof kept.refreshAt === "number" &&
    (typeof kept.username === "string" || kept.username === null) &&
    (kept.bound === "key" || kept.bound === "attempt") &&
    (kept.token === undefined || typeof kept.token === "string") &&
    (kept.attempt === undefined || typeof kept.attempt === "string")
  );
}
