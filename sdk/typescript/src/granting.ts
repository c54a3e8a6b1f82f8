// Taking what a server grants: as a token in the message, or as a ticket for a cookie.

import { abandon, leave } from "./away.js";
import { type Asked, giveUp, isOf } from "./line.js";
import { grantOf, type Incoming } from "./messages.js";
import { type Grant, isSame, offered } from "./record.js";
import { isByCookie, type Login, type Machine, outcomeOf, refuse, tell } from "./turn.js";

/** A client in charge does not present a token sooner than that: its clock may be ahead of the server's. */
const REFRESH_FIRST_MS = 10_000;
/** How often a cookie is asked for on one connection. */
const TICKET_TRIES = 3;
const TICKET_RETRY_MS = 1_000;

/** Of a session that another tab has left, or that only a cookie remembers. */
const UNKNOWN = { username: null, bound: "attempt" } as const;

/** Takes a `Success` or `Registered`, whatever it answers. */
export function granted(machine: Machine, message: Incoming, asked: Asked | undefined): void {
  const { line, kept, outputs } = machine;
  const grant = grantOf(message);
  const { ticket, type } = message;
  const login = asked?.for === "login" ? asked.login : null;
  if (!grant || isByCookie(machine) === !!grant.token) {
    // Not whole, or delivered in another way than this program chose.
    if (login) refuseLogin(machine, login, { type: "UnexpectedAnswer" });
  } else if (ticket) {
    // A later ticket takes the place of the one before, and goes on for the login that waits for it.
    const exchange = (!login && line.exchange) || { login, type, failures: 0 };
    line.exchange = { ...exchange, grant, retryAt: null };
    outputs.push({ do: "exchange", ticket, generation: grant.generation });
  } else {
    const isPresented = asked?.for === "present";
    // The cookie is what counts; the record beside it was lost, or is another session's.
    if (isPresented && isByCookie(machine) && kept?.session !== grant.session) {
      machine.kept = { ...grant, ...UNKNOWN };
    }
    take(machine, grant, login, isPresented);
    tell(machine, asked?.settle, { type });
  }
}

/** Keeps `grant` if it is to be kept, and acknowledges it if it is. What nobody asked for logs nobody in. */
function take(machine: Machine, grant: Grant, login: Login | null, isPresented = false): void {
  const { line, policy, time } = machine;
  const { token: _, ...shown } = grant;
  const kept: Machine["kept"] = login
    ? { ...grant, username: login.wish.username, bound: login.wish.key ? "key" : "attempt" }
    : offered(machine.kept, grant);
  machine.kept = kept;
  const isKept = isSame(kept, grant);
  if (isKept) machine.outputs.push({ do: "send", what: { type: "Ack", generation: grant.generation } });
  if (login || isPresented) {
    machine.failures = 0;
    machine.ended = "logged_out";
    line.retryAt = null;
  } else if (!isKept || !isOf(machine, grant.session)) {
    return;
  }
  const { username, bound, refresh_at } = kept?.session === grant.session ? kept : { ...grant, ...UNKNOWN };
  line.standing = { status: "authenticated", username, bound, ...shown };
  // A client in charge presents when the stored token says so.
  line.refreshAt = policy.isInCharge
    ? time.ms + Math.max((refresh_at - Math.floor(time.unixMs / 1000)) * 1000, REFRESH_FIRST_MS)
    : null;
}

/** A login is refused, to be repeated by the person. */
export function refuseLogin(machine: Machine, { settle }: Login, message: Incoming): void {
  machine.ended = "logged_out";
  tell(machine, settle, outcomeOf(message));
}

/** The host has exchanged a ticket, or failed. */
export function exchanged(machine: Machine, generation: number, ok: boolean): void {
  const { exchange } = machine.line;
  if (exchange?.grant.generation !== generation) return;
  if (!ok) return exchangeFailed(machine);
  const { grant, login, type } = exchange;
  machine.line.exchange = null;
  take(machine, grant, login);
  tell(machine, login?.settle, { type });
}

/** Asks for another ticket. After some of them the way on is another connection, whose upgrade needs none. */
export function exchangeFailed(machine: Machine): void {
  const { line, time } = machine;
  const { exchange } = line;
  if (!exchange) return;
  const { login } = exchange;
  const failures = exchange.failures + 1;
  if (failures < TICKET_TRIES) {
    line.exchange = { ...exchange, failures, retryAt: time.ms + TICKET_RETRY_MS * failures };
    return;
  }
  line.exchange = null;
  if (login) {
    // The server has a session that nobody could come back to.
    giveUp(machine, "storage");
    refuse(machine, login.settle, "storage");
  }
  abandon(machine);
  leave(machine, null);
}
