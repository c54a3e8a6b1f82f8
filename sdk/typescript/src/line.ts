// One open connection: who is logged in on it, what was asked on it, and what is to be asked.

import type { Incoming } from "./messages.js";
import type { LogoutReason } from "./reasons.js";
import type { Grant } from "./record.js";
import { type Authenticated, type Login, type Memory, type Phase, send, type Turn } from "./turn.js";

/** A request that the server has not answered yet. */
export type Asked =
  | { readonly for: "login"; readonly login: Login }
  | Presented
  | { readonly for: "logout"; readonly tag: number }
  /** A logout that only makes both sides agree that nobody is logged in. */
  | { readonly for: "leave" }
  | { readonly for: "question"; readonly tag: number }
  | { readonly for: "ticket" };

export interface Presented {
  readonly for: "present";
  /** Null for a cookie that nobody remembers. */
  readonly session: string | null;
  readonly generation: number;
  /** A cookie was presented by the upgrade; the request behind it, which any server answers, marks its place. */
  readonly evidence: "attempt" | "proof" | "cookie";
  readonly tags: readonly number[];
}

/** A ticket that is being exchanged for a cookie. */
export interface Exchange {
  readonly grant: Grant;
  /** The login that is not done before the cookie is there; null for a push. */
  readonly login: Login | null;
  /** `Success` or `Registered`. */
  readonly type: string;
  readonly failures: number;
  /** When to ask for another ticket. */
  readonly retryAt: number | null;
}

/** Who is logged in, as the server sees it; or the session that was presented last, which a logout forgets. */
type Standing = Authenticated | { readonly at: "logged-out"; readonly tried: string | null };

export interface Line {
  standing: Standing;
  readonly asked: Map<number, Asked>;
  /** Of the server's `Hello`; null before it has come. */
  nonce: string | null;
  /** The presentation whose proof is being made. */
  signing: { readonly token: string; readonly tags: readonly number[] } | null;
  exchange: Exchange | null;
  /** When to present what was put off. */
  retryAt: number | null;
  /** When a client in charge presents. */
  refreshAt: number | null;
  /** How the session ended, if the server said so. A close follows. */
  ended: LogoutReason | null;
  reconnectAfterMs: number;
}

export function newLine(): Line {
  return {
    standing: { at: "logged-out", tried: null },
    asked: new Map(),
    nonce: null,
    signing: null,
    exchange: null,
    retryAt: null,
    refreshAt: null,
    ended: null,
    reconnectAfterMs: 0,
  };
}

export function phaseOf(line: Line, { ended }: Memory): Phase {
  if (line.standing.at === "authenticated") return line.standing;
  const isAsked = isDeciding(line, ["login", "present"]) || line.retryAt !== null;
  return isAsked ? { at: "authenticating" } : { at: "logged-out", reason: ended };
}

/** When to present next, or to ask for a ticket. While something is being decided, nothing is due. */
export function deadlineOf(line: Line): number | null {
  if (line.exchange?.retryAt != null) return line.exchange.retryAt;
  return isDeciding(line) ? null : (line.retryAt ?? line.refreshAt);
}

/** Whether the server, or this client, is busy with something that decides what there is to present. */
export function isDeciding(line: Line, kinds: Asked["for"][] = ["login", "present", "logout", "leave"]): boolean {
  const isAsked = [...line.asked.values()].some((asked) => kinds.includes(asked.for));
  return isAsked || line.signing !== null || line.exchange?.login != null;
}

/** An id for a request, until it is answered. */
export function ask(line: Line, turn: Turn, asked: Asked): number {
  turn.memory.lastId += 1;
  line.asked.set(turn.memory.lastId, asked);
  return turn.memory.lastId;
}

/** The request that `message` answers. What the upgrade asked is answered without an id. */
export function answered(line: Line, message: Incoming): Asked | undefined {
  const cookie = () => [...line.asked].find(([, asked]) => asked.for === "present" && asked.evidence === "cookie")?.[0];
  const isOfCookie = message.id === undefined && ANSWERS_OF_COOKIES.has(message.type);
  const id = isOfCookie ? cookie() : message.id;
  if (typeof id !== "number") return undefined;
  const asked = line.asked.get(id);
  line.asked.delete(id);
  return asked;
}

const ANSWERS_OF_COOKIES = new Set(["Success", "InvalidToken", "TooManyRequests", "Unavailable"]);

/** Whether the connection is authenticated, for `session`. */
export function isOf(line: Line, session: string | null | undefined): boolean {
  return line.standing.at === "authenticated" && line.standing.grant.session === session;
}

/** Nobody is logged in any more, and the session is not to come back. Another tab's newer login stays. */
export function forget(line: Line, turn: Turn, reason: LogoutReason): void {
  const { standing } = line;
  const session = standing.at === "authenticated" ? standing.grant.session : standing.tried;
  if (turn.kept?.session === session) turn.kept = null;
  line.standing = { at: "logged-out", tried: null };
  line.retryAt = null;
  line.refreshAt = null;
  turn.memory.ended = reason;
}

/** Logs out on a connection that the server takes for authenticated, and this client does not. */
export function leave(line: Line, turn: Turn): void {
  if (isDeciding(line, ["leave"])) return;
  send(turn, { type: "Logout", id: ask(line, turn, { for: "leave" }), everywhere: false });
}

/** Of everybody who waits for an answer on this connection. */
export function waiting(line: Line): number[] {
  const asked = [...line.asked.values()].flatMap((one) => {
    if (one.for === "login") return one.login.tag;
    if (one.for === "present") return one.tags;
    return one.for === "logout" || one.for === "question" ? one.tag : [];
  });
  return [...asked, ...(line.signing?.tags ?? []), ...(line.exchange?.login ? [line.exchange.login.tag] : [])];
}
