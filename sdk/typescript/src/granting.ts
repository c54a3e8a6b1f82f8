// Taking what a server grants: as a token in the message, or as a ticket for a cookie.

import type { Asked, Line } from "./line.js";
import { grantOf, type Incoming } from "./messages.js";
import { type Grant, isSame, type Owner, offered } from "./record.js";
import { type Login, outcomeOf, refuse, send, type Turn, tell } from "./turn.js";

/** A client in charge does not present a token sooner than that: its clock may be ahead of the server's. */
const REFRESH_FIRST_MS = 10_000;
/** How often the cookie of a login is asked for before the login counts as failed. */
const TICKET_TRIES = 3;
const TICKET_RETRY_MS = 1_000;

/** Of a session that another tab has left. */
const UNKNOWN: Owner = { username: null, bound: "attempt" };

/** Takes a `Success` or `Registered`, whatever it answers. */
export function granted(line: Line, turn: Turn, message: Incoming, asked: Asked | undefined): void {
  const grant = grantOf(message);
  const { ticket, type } = message;
  const login = asked?.for === "login" ? asked.login : null;
  if (!grant || (turn.memory.policy.delivery === "cookie") !== !grant.token) {
    // Not whole, or delivered in another way than this program chose.
    if (login) refuseLogin(turn, login, { type: "UnexpectedAnswer" });
    return;
  }
  if (ticket) {
    // A later ticket takes the place of the one before, and goes on for the login that waits for it.
    const exchange = (!login && line.exchange) || { login, type, failures: 0 };
    line.exchange = { ...exchange, grant, retryAt: null };
    turn.outputs.push({ do: "exchange", ticket, generation: grant.generation });
    return;
  }
  const isPresented = asked?.for === "present";
  if (isPresented && asked.evidence === "cookie" && turn.kept?.session !== grant.session) {
    // The cookie is what counts; the record beside it was lost, or is another session's.
    turn.kept = { ...grant, username: null, bound: "attempt" };
  }
  take(line, turn, grant, login, isPresented);
  tell(turn, asked?.tag ?? 0, { type });
}

/** Keeps `grant` if it is to be kept, and acknowledges it if it is. What nobody asked for logs nobody in. */
function take(line: Line, turn: Turn, grant: Grant, login: Login | null, isPresented: boolean): void {
  const { memory } = turn;
  if (login) turn.kept = { ...grant, username: login.username, bound: login.key ? "key" : "attempt" };
  else turn.kept = offered(turn.kept, grant);
  const { kept } = turn;
  const isKept = isSame(kept, grant);
  if (isKept) send(turn, { type: "Ack", generation: grant.generation });
  if (login || isPresented) {
    memory.failures = 0;
    memory.ended = "logged_out";
    line.retryAt = null;
  } else if (!isKept || !line.isOf(grant.session)) {
    return;
  }
  line.refreshAt = refreshAt(turn, grant);
  const { username, bound } = kept?.session === grant.session ? kept : UNKNOWN;
  line.standing = { at: "authenticated", grant, owner: { username, bound } };
}

/** When a client in charge presents next: when the stored token says so. */
function refreshAt({ memory, kept, now }: Turn, { session }: Grant): number | null {
  if (memory.policy.initiative === "server" || kept?.session !== session) return null;
  return now.ms + Math.max((kept.refresh_at - Math.floor(now.unixMs / 1000)) * 1000, REFRESH_FIRST_MS);
}

/** A login is refused, to be repeated by the person. */
export function refuseLogin(turn: Turn, { tag }: Login, message: Incoming): void {
  turn.memory.ended = "logged_out";
  tell(turn, tag, outcomeOf(message));
}

/** The host has exchanged a ticket, or failed. */
export function exchanged(line: Line, turn: Turn, generation: number, ok: boolean): void {
  const { exchange } = line;
  if (exchange?.grant.generation !== generation) return;
  if (!ok) return exchangeFailed(line, turn);
  const { grant, login, type } = exchange;
  line.exchange = null;
  take(line, turn, grant, login, false);
  tell(turn, login?.tag ?? 0, { type });
}

/** A push comes again by itself, with a new ticket; a login does not, and counts only once its cookie is there. */
export function exchangeFailed(line: Line, turn: Turn): void {
  const { exchange } = line;
  line.exchange = null;
  if (!exchange?.login) return;
  const failures = exchange.failures + 1;
  if (failures < TICKET_TRIES) {
    line.exchange = { ...exchange, failures, retryAt: turn.now.ms + TICKET_RETRY_MS * failures };
    return;
  }
  // The server has a session that nobody could come back to.
  line.giveUp(turn, "storage");
  refuse(turn, exchange.login.tag, "storage");
}
