// One open connection: who is logged in on it, what was asked on it, and what is to be asked.

import type { Incoming, Wish } from "./messages.js";
import type { LogoutReason } from "./reasons.js";
import type { Grant } from "./record.js";
import type { Authenticated } from "./state.js";
import { type Login, type Machine, refuse, type Settle } from "./turn.js";

/** A request that the server has not answered yet. A `leave` only makes both sides agree that nobody is logged in. */
export type Asked =
  | Presented
  | { readonly for: "login"; readonly settle?: Settle; readonly login: Login }
  | { readonly for: "logout" | "leave" | "ask" | "ticket"; readonly settle?: Settle };

/** What was presented. */
export interface Shown {
  /** Null for a cookie that nobody remembers. */
  readonly session: string | null;
  readonly generation: number;
}

export interface Presented extends Shown {
  readonly for: "present";
  readonly settle?: Settle;
  /** None with a cookie, which the upgrade presented; the request behind it, which any server answers, marks its place. */
  readonly evidence?: "attempt" | "proof";
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

export class Line {
  /** Who is logged in, as the server sees it. */
  standing: Authenticated | null = null;
  /** The session that was presented last, which a logout forgets where nobody is logged in. */
  tried: string | null = null;
  readonly asked = new Map<unknown, Asked>();
  /** Of the request that stands for the upgrade with its cookie. */
  upgradeId: number | null = null;
  /** Of the server's `Hello`; null before it has come. */
  nonce: string | null = null;
  /** The presentation whose proof is being made. */
  signing: { readonly token: string; readonly settle?: Settle } | null = null;
  exchange: Exchange | null = null;
  /** When to present what was put off. */
  retryAt: number | null = null;
  /** When a client in charge presents. */
  refreshAt: number | null = null;
  /** How the session ended, if the server said so. A close follows. */
  ended: LogoutReason | null = null;
  /** In seconds. */
  reconnectAfter: number | undefined;
}

/** Whether the server, or this client, is busy with something that decides what there is to present. */
export function isDeciding(
  { line }: Machine,
  kinds: Asked["for"][] = ["login", "present", "logout", "leave"],
): boolean {
  return (
    !!line.signing || !!line.exchange?.login || [...line.asked.values()].some((asked) => kinds.includes(asked.for))
  );
}

/** Sends a request, and remembers until it is answered what for. */
export function ask(machine: Machine, asked: Asked, wish: Wish): void {
  const id = ++machine.lastId;
  machine.line.asked.set(id, asked);
  machine.outputs.push({ do: "send", what: { ...wish, id } });
}

const ANSWERS_OF_COOKIES = ["Success", "InvalidToken", "TooManyRequests", "Unavailable"];

/** The request that `message` answers. What the upgrade asked is answered without an id. */
export function answered({ line }: Machine, { id, type }: Incoming): Asked | undefined {
  const answeredId = id ?? (ANSWERS_OF_COOKIES.includes(type) ? line.upgradeId : null);
  const asked = line.asked.get(answeredId);
  line.asked.delete(answeredId);
  return asked;
}

/** Whether the connection is authenticated, for `session`. */
export function isOf({ line }: Machine, session: string | null): boolean {
  return line.standing?.session === session;
}

/** Nobody is logged in any more, and the session is not to come back. Another tab's newer login stays. */
export function forget(machine: Machine, reason: LogoutReason): void {
  const { line, kept } = machine;
  if (kept?.session === (line.standing?.session ?? line.tried)) machine.kept = null;
  line.standing = line.tried = line.exchange = line.retryAt = line.refreshAt = null;
  machine.ended = reason;
}

/** The same where the server may take the connection for authenticated: nobody could log in on it otherwise. */
export function giveUp(machine: Machine, reason: LogoutReason): void {
  forget(machine, reason);
  if (!isDeciding(machine, ["logout", "leave"])) ask(machine, { for: "leave" }, { type: "Logout", everywhere: false });
}

/** Tells everybody who waits for an answer on this connection that none will come. A presentation is remembered. */
export function fail(machine: Machine, code: string): void {
  const { asked, signing, exchange } = machine.line;
  for (const one of [...asked.values(), signing, exchange?.login]) {
    if (one && "session" in one) machine.unanswered = one;
    refuse(machine, one?.settle, code);
  }
}
