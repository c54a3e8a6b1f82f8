// Taking what a server grants: as a token in the message, or as a ticket for a cookie.

import { type Asked, ask, type Exchange, forget, isOf, type Line, leave } from "./line.js";
import type { Incoming } from "./messages.js";
import { type Grant, keeps, offered } from "./record.js";
import { type Login, type Owner, outcomeOf, send, type Turn, tell } from "./turn.js";

/** A client in charge does not present a token sooner than that: its clock may be ahead of the server's. */
const REFRESH_FIRST_MS = 10_000;
/** How often the cookie of a login is asked for before the login counts as failed. */
const TICKET_TRIES = 3;
const TICKET_RETRY_MS = 1_000;
/** How long to wait with a login until a connection is logged out, in seconds. */
const LEAVE_WAIT = 1;

/** Takes a `Success` or `Registered`, whatever it answers. */
export function granted(line: Line, turn: Turn, message: Incoming, asked: Asked | undefined): void {
  const { grant, ticket, type } = message;
  const isByCookie = turn.memory.policy.delivery === "cookie";
  if (grant === undefined || (grant.token === undefined) !== isByCookie) {
    // Not whole, or delivered in another way than this program chose.
    if (asked?.for === "login") refuseLogin(turn, asked.login, { ...message, type: "UnexpectedAnswer" });
    return;
  }
  const login = asked?.for === "login" ? asked.login : null;
  if (ticket !== undefined) return exchange(line, turn, ticket, { grant, login, type });
  const presented = asked?.for === "present" ? asked : null;
  if (presented?.evidence === "cookie" && turn.kept?.session !== grant.session) {
    // The cookie is what counts; the record beside it was lost, or is another session's.
    turn.kept = { ...grant, username: null, bound: "attempt" };
  }
  take(line, turn, grant, login, login !== null || presented !== null);
  tell(turn, presented?.tags ?? (login ? [login.tag] : []), { ok: true, type });
}

/** Keeps `grant` if it is to be kept, and acknowledges it if it is. What nobody asked for logs nobody in. */
function take(line: Line, turn: Turn, grant: Grant, login: Login | null, isAsked: boolean): void {
  if (login === null) turn.kept = offered(turn.kept, grant);
  else turn.kept = { ...grant, username: login.username, bound: login.key === null ? "attempt" : "key" };
  const isKept = keeps(turn.kept, grant);
  if (isKept) send(turn, { type: "Ack", generation: grant.generation });
  const isOwn = isOf(line, grant.session);
  if (isAsked) {
    turn.memory.failures = 0;
    turn.memory.ended = "logged_out";
    line.retryAt = null;
  } else if (!isKept || !isOwn) {
    return;
  }
  line.refreshAt = refreshAt(turn, grant);
  line.standing = { at: "authenticated", grant, owner: owner(line, turn, isKept) };
}

function owner({ standing }: Line, { kept }: Turn, isKept: boolean): Owner {
  if (isKept && kept !== null) return { username: kept.username, bound: kept.bound };
  return standing.at === "authenticated" ? standing.owner : { username: null, bound: "attempt" };
}

/** When a client in charge presents next: when the stored token says so. */
function refreshAt({ memory, kept, now }: Turn, { session }: Grant): number | null {
  if (memory.policy.initiative === "server" || kept?.session !== session) return null;
  const left = (kept.refreshAt - Math.floor(now.unixMs / 1000)) * 1000;
  return now.ms + Math.max(left, REFRESH_FIRST_MS);
}

/** A login is refused, to be repeated by the person. */
export function refuseLogin(turn: Turn, { tag }: Login, message: Incoming): void {
  turn.memory.ended = "logged_out";
  tell(turn, [tag], outcomeOf(message));
}

/** Nobody could log in on a connection that the server takes for authenticated and this client does not. */
export function alreadyAuthorized(line: Line, turn: Turn, login: Login, message: Incoming): void {
  if (line.standing.at === "authenticated") return refuseLogin(turn, login, message);
  leave(line, turn);
  refuseLogin(turn, login, { ...message, retryAfter: LEAVE_WAIT });
}

/** Has a ticket exchanged. A later one takes the place of the one before, and goes on for the login that waits for it. */
function exchange(line: Line, turn: Turn, ticket: string, begun: Pick<Exchange, "grant" | "login" | "type">): void {
  const before = line.exchange;
  const goesOn = begun.login === null && before !== null;
  line.exchange = goesOn ? { ...before, grant: begun.grant, retryAt: null } : { ...begun, failures: 0, retryAt: null };
  turn.outputs.push({ do: "exchange", ticket, generation: begun.grant.generation });
}

/** The host has exchanged a ticket, or failed. */
export function exchanged(line: Line, turn: Turn, generation: number, ok: boolean): void {
  if (line.exchange?.grant.generation !== generation) return;
  if (!ok) return exchangeFailed(line, turn);
  const { grant, login, type } = line.exchange;
  line.exchange = null;
  take(line, turn, grant, login, login !== null);
  if (login !== null) tell(turn, [login.tag], { ok: true, type });
}

/** A push comes again by itself, with a new ticket; a login does not, and counts only once its cookie is there. */
export function exchangeFailed(line: Line, turn: Turn): void {
  const { exchange } = line;
  const login = exchange?.login;
  line.exchange = null;
  if (!exchange || !login) return;
  const failures = exchange.failures + 1;
  if (failures < TICKET_TRIES) {
    line.exchange = { ...exchange, failures, retryAt: turn.now.ms + TICKET_RETRY_MS * failures };
    return;
  }
  // The server has a session that nobody could come back to.
  forget(line, turn, "storage");
  leave(line, turn);
  tell(turn, [login.tag], { ok: false, code: "storage" });
}

/** Asks for a ticket for the newest generation again. */
export function askTicket(line: Line, turn: Turn): void {
  if (line.exchange !== null) line.exchange = { ...line.exchange, retryAt: null };
  send(turn, { type: "Ticket", id: ask(line, turn, { for: "ticket" }) });
}
