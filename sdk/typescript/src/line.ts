// One open connection: who is logged in on it, what was asked on it, and what is to be asked.

import type { Incoming } from "./messages.js";
import type { LogoutReason } from "./reasons.js";
import type { Grant } from "./record.js";
import { type Authenticated, type Login, type Memory, type Phase, refuse, send, type Turn } from "./turn.js";

/** A request that the server has not answered yet. A `leave` only makes both sides agree that nobody is logged in. */
export type Asked = { readonly tag: number } & (
  | { readonly for: "login"; readonly login: Login }
  | Presented
  | { readonly for: "logout" | "leave" | "question" | "ticket" }
);

export interface Presented {
  readonly for: "present";
  readonly tag: number;
  /** Null for a cookie that nobody remembers. */
  readonly session: string | null;
  readonly generation: number;
  /** A cookie was presented by the upgrade; the request behind it, which any server answers, marks its place. */
  readonly evidence: "attempt" | "proof" | "cookie";
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
  /** Who is logged in, as the server sees it; or the session that was presented last, which a logout forgets. */
  standing: Authenticated | { readonly at: "logged-out"; readonly tried: string | null } = {
    at: "logged-out",
    tried: null,
  };
  readonly asked = new Map<number, Asked>();
  /** Of the server's `Hello`; null before it has come. */
  nonce: string | null = null;
  /** The presentation whose proof is being made. */
  signing: { readonly token: string; readonly tag: number } | null = null;
  exchange: Exchange | null = null;
  /** When to present what was put off. */
  retryAt: number | null = null;
  /** When a client in charge presents. */
  refreshAt: number | null = null;
  /** How the session ended, if the server said so. A close follows. */
  ended: LogoutReason | null = null;
  /** In seconds. */
  reconnectAfter = 0;

  phase({ ended }: Memory): Phase {
    if (this.standing.at === "authenticated") return this.standing;
    const isAsked = this.isDeciding(["login", "present"]) || this.retryAt !== null;
    return isAsked ? { at: "authenticating" } : { at: "logged-out", reason: ended };
  }

  /** When to present next, or to ask for a ticket. While something is being decided, nothing is due. */
  get deadline(): number | null {
    return this.exchange?.retryAt ?? (this.isDeciding() ? null : (this.retryAt ?? this.refreshAt));
  }

  /** Whether the server, or this client, is busy with something that decides what there is to present. */
  isDeciding(kinds: Asked["for"][] = ["login", "present", "logout", "leave"]): boolean {
    const isAsked = [...this.asked.values()].some((asked) => kinds.includes(asked.for));
    return isAsked || this.signing !== null || !!this.exchange?.login;
  }

  /** An id for a request, until it is answered. */
  ask(turn: Turn, asked: Asked): number {
    turn.memory.lastId += 1;
    this.asked.set(turn.memory.lastId, asked);
    return turn.memory.lastId;
  }

  /** The request that `message` answers. What the upgrade asked is answered without an id. */
  answered({ id, type }: Incoming): Asked | undefined {
    for (const [askedId, asked] of this.asked) {
      const isOfCookie = asked.for === "present" && asked.evidence === "cookie" && ANSWERS_OF_COOKIES.has(type);
      if (id === askedId || (id === undefined && isOfCookie)) {
        this.asked.delete(askedId);
        return asked;
      }
    }
    return undefined;
  }

  /** Whether the connection is authenticated, for `session`. */
  isOf(session: string | null | undefined): boolean {
    return this.standing.at === "authenticated" && this.standing.grant.session === session;
  }

  /** Nobody is logged in any more, and the session is not to come back. Another tab's newer login stays. */
  forget(turn: Turn, reason: LogoutReason): void {
    const { standing } = this;
    const session = standing.at === "authenticated" ? standing.grant.session : standing.tried;
    if (turn.kept?.session === session) turn.kept = null;
    this.standing = { at: "logged-out", tried: null };
    this.retryAt = this.refreshAt = null;
    turn.memory.ended = reason;
  }

  /** The same where the server may take the connection for authenticated: nobody could log in on it otherwise. */
  giveUp(turn: Turn, reason: LogoutReason): void {
    this.forget(turn, reason);
    if (this.isDeciding(["leave"])) return;
    send(turn, { type: "Logout", id: this.ask(turn, { for: "leave", tag: 0 }), everywhere: false });
  }

  /** Tells everybody who waits for an answer on this connection that none will come. */
  fail(turn: Turn, code: string): void {
    for (const { tag } of this.asked.values()) refuse(turn, tag, code);
    refuse(turn, this.signing?.tag ?? this.exchange?.login?.tag ?? 0, code);
  }
}

const ANSWERS_OF_COOKIES = new Set(["Success", "InvalidToken", "TooManyRequests", "Unavailable"]);
