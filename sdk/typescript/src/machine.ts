// The client's side of one session, without socket, clock, dice and storage (protocol, section 14). The host stores
// what a turn leaves in `kept` before it carries out the turn's outputs: an attempt key must be stored before the token
// that it belongs to is on the wire.

import { backoffMs } from "./backoff.js";
import { afterClose, isExpiry } from "./close.js";
import { exchanged, exchangeFailed, granted, refuseLogin } from "./granting.js";
import { type Asked, Line } from "./line.js";
import type { Incoming } from "./messages.js";
import { connect, expectCookie, present, putOff, refused, sign, signed } from "./presenting.js";
import { ending } from "./reasons.js";
import type { Kept } from "./record.js";
import {
  type Input,
  type Login,
  type Memory,
  type Now,
  type Output,
  outcomeOf,
  type Phase,
  type Policy,
  refuse,
  send,
  type Turn,
  tell,
} from "./turn.js";

/** What a login is told to wait where there is no connection, or one that has to be logged out first; in seconds. */
const LOGIN_WAIT = 1;

/** The life of a client: away, dialing, on a line, and away again. */
type Link = Extract<Phase, { at: "waiting" | "connecting" }> | Line;

export class Machine {
  readonly #memory: Memory;
  #link: Link = { at: "waiting", until: null, code: null };

  constructor(policy: Policy) {
    this.#memory = { policy, lastId: 0, failures: 0, ended: "logged_out", renewed: null };
  }

  get phase(): Phase {
    return this.#link instanceof Line ? this.#link.phase(this.#memory) : this.#link;
  }

  /** When to feed `tick`, on the clock that does not jump; null: no need. */
  get deadline(): number | null {
    if (this.#link instanceof Line) return this.#link.deadline;
    return this.#link.at === "waiting" ? this.#link.until : null;
  }

  /** Takes in what happened. Gives what is to be kept (the same object if that is as it was), and what is to be done. */
  handle(now: Now, dice: Uint8Array, kept: Kept | null, input: Input): { kept: Kept | null; outputs: Output[] } {
    const turn: Turn = { now, dice, kept, memory: this.#memory, outputs: [] };
    const link = this.#link;
    this.#link = (link instanceof Line ? whileOpen(link, turn, input) : whileAway(link, turn, input)) ?? link;
    if (!(link instanceof Line)) refuseAway(turn, input);
    return turn;
  }
}

/** Who asks for something that needs a connection is to ask again. */
function refuseAway(turn: Turn, input: Input): void {
  if ("tag" in input) tell(turn, input.tag, { code: "unavailable", retry_after: LOGIN_WAIT });
}

function whileAway(link: Exclude<Link, Line>, turn: Turn, input: Input): Link | undefined {
  const isWaiting = link.at === "waiting";
  const isStaying = isWaiting && link.until === null;
  if (input.do === "storage-failed") lose(turn);
  switch (input.do) {
    case "start":
      return isWaiting ? dial(turn) : undefined;
    case "tick":
      return isWaiting && link.until !== null && turn.now.ms >= link.until ? dial(turn) : undefined;
    case "login":
      // Who stays away until somebody asks has just been asked. Who waits is not hurried by it, or impatience would
      // undo the backoff.
      return isStaying ? dial(turn) : undefined;
    case "look":
      // The session that was to stay is gone, so there is nothing to stay away for.
      return isStaying && link.code !== null && !turn.kept ? dial(turn) : undefined;
    case "storage-failed":
      return isWaiting ? undefined : dial(turn);
    case "opened":
      return isWaiting ? undefined : open(turn);
    case "closed":
      // Nothing was presented that could have ended.
      return isWaiting ? undefined : away(turn, input.code, afterClose(input.code) === "stay", 0);
    default:
      return undefined;
  }
}

function whileOpen(line: Line, turn: Turn, input: Input): Link | undefined {
  switch (input.do) {
    case "message":
      return read(line, turn, input.message);
    case "tick":
      tick(line, turn);
      return undefined;
    case "login":
      login(line, turn, input);
      return undefined;
    case "logout": {
      const { tag, everywhere } = input;
      send(turn, { type: "Logout", id: line.ask(turn, { for: "logout", tag }), everywhere });
      return undefined;
    }
    case "refresh":
      refresh(line, turn, input.tag);
      return undefined;
    case "question":
      send(turn, { ...input.question, id: line.ask(turn, { for: "question", tag: input.tag }) });
      return undefined;
    case "signed":
      signed(line, turn, input.token, input.proof);
      return undefined;
    case "exchanged":
      exchanged(line, turn, input.generation, input.ok);
      return undefined;
    case "closed":
      return closed(line, turn, input.code, input.reason);
    case "look":
      return look(line, turn);
    case "storage-failed":
      line.fail(turn, "storage");
      line.asked.clear();
      line.signing = line.exchange = null;
      lose(turn);
      line.giveUp(turn, "storage");
      return undefined;
    case "start":
    case "opened":
      return undefined;
  }
}

function dial(turn: Turn): Link {
  connect(turn);
  return { at: "connecting" };
}

function open(turn: Turn): Line {
  const line = new Line();
  if (turn.memory.policy.delivery === "cookie") expectCookie(line, turn);
  else present(line, turn);
  return line;
}

/** Leaves the connection. Whoever waits for an answer on it gets none. */
function abandon(line: Line, turn: Turn): void {
  line.fail(turn, "lost");
  turn.outputs.push({ do: "drop" });
}

function redial(line: Line, turn: Turn): Link {
  abandon(line, turn);
  return dial(turn);
}

function away({ memory, now, dice }: Turn, code: number | null, isStaying: boolean, reconnectAfter: number): Link {
  if (isStaying) return { at: "waiting", until: null, code };
  const until = now.ms + reconnectAfter * 1000 + backoffMs(memory.failures, dice);
  memory.failures += 1;
  return { at: "waiting", until, code };
}

/** The storage is of no use, so nobody could come back to a session. */
function lose(turn: Turn): void {
  turn.kept = null;
  turn.memory.ended = "storage";
}

function tick(line: Line, turn: Turn): void {
  if (line.deadline === null || turn.now.ms < line.deadline) return;
  if (!line.exchange) return present(line, turn);
  line.exchange = { ...line.exchange, retryAt: null };
  send(turn, { type: "Ticket", id: line.ask(turn, { for: "ticket", tag: 0 }) });
}

function login(line: Line, turn: Turn, input: Login): void {
  const { tag, username, password, key, register } = input;
  if (line.isDeciding(["login"])) return refuse(turn, tag, "busy");
  const id = line.ask(turn, { for: "login", tag, login: input });
  send(turn, { type: register ? "Register" : "Login", id, username, password, ...(key && { key }) });
}

/** Presents because the program wants it. What was put off has its time already. */
function refresh(line: Line, turn: Turn, tag: number): void {
  if (turn.memory.policy.delivery === "cookie") refuse(turn, tag, "cookie_delivery");
  else if (line.isDeciding() || line.retryAt !== null) refuse(turn, tag, "busy");
  else present(line, turn, tag);
}

function read(line: Line, turn: Turn, message: Incoming): Link | undefined {
  const asked = line.answered(message);
  switch (message.type) {
    case "Hello":
      line.nonce = message.nonce ?? null;
      sign(line, turn);
      return undefined;
    case "Ended":
      line.ended = ending(message.reason);
      return undefined;
    case "Closing":
      line.reconnectAfter = message.reconnect_after ?? 0;
      return undefined;
    case "Success":
    case "Registered":
      granted(line, turn, message, asked);
      return undefined;
    case "Revoked":
      if (line.isOf(message.session)) loggedOut(line, turn);
      break;
    case "LoggedOut":
      // What ended stays said where a logout only made both sides agree.
      if (asked?.for !== "leave") loggedOut(line, turn);
      break;
  }
  return asked && answer(line, turn, asked, message);
}

/** Does what an answer that grants no token means to what was asked. */
function answer(line: Line, turn: Turn, asked: Asked, message: Incoming): Link | undefined {
  const { type } = message;
  switch (asked.for) {
    case "login":
      return loginRefused(line, turn, asked.login, message);
    case "present":
      if (type === "InvalidToken") return refused(line, turn, asked, message) ? redial(line, turn) : undefined;
      if (type === "TooManyRequests" || type === "Unavailable") {
        const until = putOff(line, turn, asked, message);
        if (until === null) break;
        abandon(line, turn);
        return { at: "waiting", until, code: null };
      }
      if (asked.evidence === "cookie" && asked.session) line.forget(turn, "cookie_lost");
      break;
    case "logout":
      if (type !== "NotLoggedIn") break;
      loggedOut(line, turn);
      tell(turn, asked.tag, { type });
      return undefined;
    case "ticket":
      exchangeFailed(line, turn);
      break;
    case "question":
    case "leave":
      break;
  }
  tell(turn, asked.tag, outcomeOf(message));
  return undefined;
}

function loginRefused(line: Line, turn: Turn, asked: Login, message: Incoming): undefined {
  if (message.reason === "key_unsupported" && asked.key) {
    // The same person's wish, to a server that binds no sessions.
    login(line, turn, { ...asked, key: null });
  } else if (message.type === "AlreadyAuthorized" && line.standing.at === "logged-out") {
    line.giveUp(turn, "logged_out");
    refuseLogin(turn, asked, { ...message, retry_after: LOGIN_WAIT });
  } else {
    refuseLogin(turn, asked, message);
  }
}

function loggedOut(line: Line, turn: Turn): void {
  if (turn.memory.policy.delivery === "cookie") turn.outputs.push({ do: "clear-cookie" });
  line.forget(turn, "logged_out");
}

function closed(line: Line, turn: Turn, code: number | null, reason: string | undefined): Link {
  line.fail(turn, "lost");
  // The close frame may be lost; the session has ended all the same.
  const after = line.ended ? "forget" : afterClose(code);
  if (after === "forget") line.forget(turn, line.ended ?? (isExpiry(code) ? "expired" : ending(reason)));
  return away(turn, code, after === "stay", line.reconnectAfter);
}

/** Brings the connection in line with what is kept by now. */
function look(line: Line, turn: Turn): Link | undefined {
  const { kept, memory } = turn;
  if (line.standing.at === "authenticated") {
    if (kept) return line.isOf(kept.session) ? undefined : redial(line, turn);
    // Wiped: nobody could come back to this session, so it must not live on.
    line.giveUp(turn, "storage");
  } else if (kept && !line.isDeciding() && line.retryAt === null) {
    if (memory.policy.delivery === "cookie") return redial(line, turn);
    present(line, turn);
  }
  return undefined;
}
