// The client's side of one session, without socket, clock, dice and storage (protocol, section 14). The host stores
// what a turn leaves in `kept` before it carries out the turn's outputs: an attempt key must be stored before the token
// that it belongs to is on the wire.

import { backoffMs } from "./backoff.js";
import { afterClose, isExpiry } from "./close.js";
import { alreadyAuthorized, askTicket, exchanged, exchangeFailed, granted, refuseLogin } from "./granting.js";
import {
  type Asked,
  answered,
  ask,
  deadlineOf,
  forget,
  isDeciding,
  isOf,
  type Line,
  leave,
  newLine,
  phaseOf,
  waiting,
} from "./line.js";
import type { Incoming } from "./messages.js";
import { abandon, connect, expectCookie, present, putOff, refused, sign, signed } from "./presenting.js";
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
  send,
  type Turn,
  tell,
} from "./turn.js";

/** What a login without a connection is told to wait, in seconds. */
const CONNECT_WAIT = 1;

/** The life of a client: away, dialing, on a line, and away again. */
type Link =
  | { readonly at: "waiting"; readonly until: number | null; readonly code: number | null }
  | { readonly at: "connecting" }
  | { readonly at: "open"; readonly line: Line };

const DIALING = { at: "connecting" } as const;

export class Machine {
  readonly #memory: Memory;
  #link: Link = { at: "waiting", until: null, code: null };

  constructor(policy: Policy) {
    this.#memory = { policy, lastId: 0, failures: 0, ended: "logged_out", renewed: null };
  }

  get phase(): Phase {
    return this.#link.at === "open" ? phaseOf(this.#link.line, this.#memory) : this.#link;
  }

  /** When to feed `tick`, on the clock that does not jump; null: no need. */
  get deadline(): number | null {
    if (this.#link.at === "waiting") return this.#link.until;
    return this.#link.at === "connecting" ? null : deadlineOf(this.#link.line);
  }

  /** Takes in what happened. Gives what is to be kept (the same object if that is as it was), and what is to be done. */
  handle(now: Now, dice: Uint8Array, kept: Kept | null, input: Input): { kept: Kept | null; outputs: Output[] } {
    const turn: Turn = { now, dice, kept, memory: this.#memory, outputs: [] };
    const link = this.#link;
    if (link.at === "waiting") this.#link = whileWaiting(link, turn, input) ?? link;
    else if (link.at === "connecting") this.#link = whileConnecting(turn, input) ?? link;
    else this.#link = whileOpen(link.line, turn, input) ?? link;
    return turn;
  }
}

function whileWaiting({ until, code }: Link & { at: "waiting" }, turn: Turn, input: Input): Link | undefined {
  switch (input.do) {
    case "start":
      return dial(turn);
    case "tick":
      return until !== null && turn.now.ms >= until ? dial(turn) : undefined;
    case "login": {
      // Who stays away until somebody asks has just been asked. Who waits is not hurried by it, or impatience would
      // undo the backoff.
      const next = until === null ? dial(turn) : undefined;
      tell(turn, [input.tag], { ok: false, code: "unavailable", retryAfter: CONNECT_WAIT });
      return next;
    }
    case "look":
      // The session that was to stay is gone, so there is nothing to stay away for.
      return until === null && code !== null && turn.kept === null ? dial(turn) : undefined;
    case "storage-failed":
      storageFailed(turn);
      return undefined;
    default:
      return lost(turn, input);
  }
}

function whileConnecting(turn: Turn, input: Input): Link | undefined {
  switch (input.do) {
    case "opened": {
      const line = newLine();
      if (turn.memory.policy.delivery === "cookie") expectCookie(line, turn);
      else present(line, turn);
      return { at: "open", line };
    }
    case "closed":
      // Nothing was presented that could have ended.
      return afterClose(input.code) === "stay" ? stay(input.code) : back(turn, input.code, 0);
    case "login":
      tell(turn, [input.tag], { ok: false, code: "unavailable", retryAfter: CONNECT_WAIT });
      return undefined;
    case "storage-failed":
      storageFailed(turn);
      return dial(turn);
    default:
      return lost(turn, input);
  }
}

function whileOpen(line: Line, turn: Turn, input: Input): Link | undefined {
  switch (input.do) {
    case "message":
      return read(line, turn, input.message);
    case "tick":
      return tick(line, turn);
    case "login":
      return login(line, turn, input);
    case "logout":
      send(turn, {
        type: "Logout",
        id: ask(line, turn, { for: "logout", tag: input.tag }),
        everywhere: input.everywhere,
      });
      return undefined;
    case "refresh":
      return refresh(line, turn, input.tag);
    case "question":
      send(turn, { ...input.question, id: ask(line, turn, { for: "question", tag: input.tag }) });
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
      tell(turn, waiting(line), { ok: false, code: "storage" });
      line.asked.clear();
      line.signing = line.exchange = null;
      storageFailed(turn);
      forget(line, turn, "storage");
      leave(line, turn);
      return undefined;
    case "start":
    case "opened":
      return undefined;
  }
}

function dial(turn: Turn): Link {
  connect(turn);
  return DIALING;
}

function stay(code: number | null): Link {
  return { at: "waiting", until: null, code };
}

function back(turn: Turn, code: number | null, reconnectAfterMs: number): Link {
  const { memory, now, dice } = turn;
  const until = now.ms + reconnectAfterMs + backoffMs(memory.failures, dice);
  memory.failures += 1;
  return { at: "waiting", until, code };
}

/** What does not fit changes nothing. Whoever waits for it is told. */
function lost(turn: Turn, input: Input): undefined {
  if ("tag" in input) tell(turn, [input.tag], { ok: false, code: "lost" });
}

function storageFailed(turn: Turn): void {
  turn.kept = null;
  turn.memory.ended = "storage";
}

function reconnect(line: Line, turn: Turn): Link {
  abandon(line, turn);
  return dial(turn);
}

function tick(line: Line, turn: Turn): undefined {
  const due = deadlineOf(line);
  if (due === null || turn.now.ms < due) return;
  if (line.exchange === null) present(line, turn);
  else askTicket(line, turn);
}

function login(line: Line, turn: Turn, input: Login): undefined {
  if (isDeciding(line, ["login"])) return tell(turn, [input.tag], { ok: false, code: "busy" });
  const { username, password, key, register } = input;
  const id = ask(line, turn, { for: "login", login: input });
  send(turn, { type: register ? "Register" : "Login", id, username, password, ...(key && { key }) });
}

/** Presents because the program wants it. What was put off has its time already. */
function refresh(line: Line, turn: Turn, tag: number): undefined {
  const isByCookie = turn.memory.policy.delivery === "cookie";
  if (!isByCookie && !isDeciding(line) && line.retryAt === null) present(line, turn, [tag]);
  else tell(turn, [tag], { ok: false, code: isByCookie ? "cookie_delivery" : "busy" });
}

function read(line: Line, turn: Turn, message: Incoming): Link | undefined {
  const asked = answered(line, message);
  switch (message.type) {
    case "Hello":
      line.nonce = message.nonce ?? null;
      sign(line, turn);
      break;
    case "Ended":
      line.ended = ending(message.reason);
      break;
    case "Closing":
      line.reconnectAfterMs = (message.reconnectAfter ?? 0) * 1000;
      break;
    case "Success":
    case "Registered":
      granted(line, turn, message, asked);
      break;
    case "Revoked":
      if (isOf(line, message.session)) loggedOut(line, turn);
      break;
    case "LoggedOut":
      // What ended stays said where a logout only made both sides agree.
      if (asked?.for !== "leave") loggedOut(line, turn);
      break;
  }
  return asked && answer(line, turn, asked, message);
}

/** Does what an answer means to what was asked. */
function answer(line: Line, turn: Turn, asked: Asked, message: Incoming): Link | undefined {
  switch (asked.for) {
    case "login":
      loginAnswered(line, turn, asked.login, message);
      return undefined;
    case "present":
      if (message.type === "InvalidToken") return refused(line, turn, asked, message) && reconnect(line, turn);
      if (message.type === "TooManyRequests" || message.type === "Unavailable") {
        const until = putOff(line, turn, asked, message);
        if (until === null) return undefined;
        abandon(line, turn);
        return { at: "waiting", until, code: null };
      }
      if (message.type === "Success") return undefined;
      if (asked.evidence === "cookie" && asked.session !== null) forget(line, turn, "cookie_lost");
      tell(turn, asked.tags, outcomeOf(message));
      return undefined;
    case "logout":
      if (message.type === "NotLoggedIn") loggedOut(line, turn);
      tell(turn, [asked.tag], outcomeOf(message, ["LoggedOut", "NotLoggedIn"]));
      return undefined;
    case "question":
      tell(turn, [asked.tag], outcomeOf(message, ["Sessions", "Revoked", "PasswordChanged"]));
      return undefined;
    case "ticket":
      if (message.type !== "Success") exchangeFailed(line, turn);
      return undefined;
    case "leave":
      return undefined;
  }
}

function loginAnswered(line: Line, turn: Turn, asked: Login, message: Incoming): void {
  if (message.type === "Success" || message.type === "Registered") return;
  // The same person's wish, to a server that binds no sessions.
  if (message.reason === "key_unsupported" && asked.key) login(line, turn, { ...asked, key: null });
  else if (message.type === "AlreadyAuthorized") alreadyAuthorized(line, turn, asked, message);
  else refuseLogin(turn, asked, message);
}

function loggedOut(line: Line, turn: Turn): void {
  if (turn.memory.policy.delivery === "cookie") turn.outputs.push({ do: "clear-cookie" });
  forget(line, turn, "logged_out");
}

function closed(line: Line, turn: Turn, code: number | null, reason: string | undefined): Link {
  tell(turn, waiting(line), { ok: false, code: "lost" });
  // The close frame may be lost; the session has ended all the same.
  const after = line.ended === null ? afterClose(code) : "forget";
  if (after === "stay") return stay(code);
  if (after === "forget") forget(line, turn, line.ended ?? (isExpiry(code) ? "expired" : ending(reason)));
  return back(turn, code, line.reconnectAfterMs);
}

/** Brings the connection in line with what is kept by now. */
function look(line: Line, turn: Turn): Link | undefined {
  const { standing } = line;
  const { kept } = turn;
  if (standing.at === "authenticated") {
    if (kept !== null) return isOf(line, kept.session) ? undefined : reconnect(line, turn);
    // Wiped: nobody could come back to this session, so it must not live on.
    forget(line, turn, "storage");
    leave(line, turn);
  } else if (kept !== null && !isDeciding(line) && line.retryAt === null) {
    if (turn.memory.policy.delivery === "cookie") return reconnect(line, turn);
    present(line, turn);
  }
  return undefined;
}
