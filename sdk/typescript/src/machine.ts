// The client's side of one session, without socket, clock, dice and storage (protocol, section 14). The host stores
// what a turn leaves in `kept` before it carries out the turn's outputs: an attempt key must be stored before the token
// that it belongs to is on the wire.

import { abandon, dial, leave, waitUntil } from "./away.js";
import { afterClose, EXPIRED, SUPERSEDED } from "./close.js";
import { exchanged, exchangeFailed, granted, refuseLogin } from "./granting.js";
import { type Asked, answered, ask, fail, forget, giveUp, isDeciding, isOf, Line } from "./line.js";
import type { Incoming } from "./messages.js";
import { expectCookie, present, refused, sign, signed } from "./presenting.js";
import { known } from "./reasons.js";
import type { Kept } from "./record.js";
import type { Status } from "./state.js";
import {
  type Input,
  isByCookie,
  type Login,
  type Machine,
  NEVER,
  type Output,
  outcomeOf,
  type Policy,
  refuse,
  type Settle,
  type Time,
  type Turn,
  tell,
} from "./turn.js";

/** What a login is told to wait where there is no connection, or one that has to be logged out first; in seconds. */
const LOGIN_WAIT = 1;

/** A client that waits to be started. */
export function newMachine(policy: Policy): Machine {
  const machine: Omit<Machine, keyof Turn> = {
    policy,
    link: { status: "waiting", until: 0 },
    dialAt: NEVER,
    line: new Line(),
    lastId: 0,
    failures: 0,
    ended: "logged_out",
  };
  // Each turn brings the rest.
  return machine as Machine;
}

/** Takes in what happened, and what is kept so far. Gives what is to be done; what is to be kept is in the machine. */
export function handle(machine: Machine, time: Time, dice: Uint8Array, kept: Kept | null, input: Input): Output[] {
  const outputs: Output[] = [];
  Object.assign(machine, { time, dice, kept, outputs });
  (input.do === "look" ? look : machine.link.status === "open" ? whileOpen : whileAway)(machine, input);
  return outputs;
}

/** How it stands, as a person would be told. The same until something changes. */
export function statusOf(machine: Machine): Status {
  const { link, line, kept, ended } = machine;
  const username = kept?.username ?? null;
  if (link.status === "logged-out") return link;
  if (link.status !== "open") return { ...link, username };
  if (line.standing) return line.standing;
  const isAsked = line.retryAt !== null || isDeciding(machine, ["login", "present"]);
  return isAsked ? { status: "authenticating", username } : { status: "logged-out", reason: ended };
}

/** When to feed `tick`, on the clock that does not jump. While something is being decided, nothing is to be presented. */
export function deadlineOf(machine: Machine): number {
  const { link, line, dialAt } = machine;
  if (link.status !== "open") return dialAt;
  const presentAt = isDeciding(machine) ? null : (line.retryAt ?? line.refreshAt);
  return line.exchange?.retryAt ?? presentAt ?? NEVER;
}

function whileAway(machine: Machine, input: Input): void {
  const isDialing = machine.link.status === "connecting";
  if (input.do === "unstored") machine.ended = "storage";
  if (isTimeToDial(machine, input)) dial(machine);
  // Who asks for something that needs a connection is to ask again.
  else if (isDialing && input.do === "opened") open(machine);
  else if (isDialing && input.do === "closed") {
    // Nothing was presented that could have ended, but maybe a cookie, whose answer did not come.
    if (isByCookie(machine)) machine.unanswered = machine.kept;
    leave(machine, input.code);
  }
  if ("settle" in input) tell(machine, input.settle, { code: "unavailable", retry_after: LOGIN_WAIT });
}

function isTimeToDial({ link: { status }, dialAt, time }: Machine, { do: what }: Input): boolean {
  // The turn before this one wanted to connect, and it was not done.
  if (status === "connecting") return what === "unstored";
  return (
    what === "start" ||
    (what === "tick" && time.ms >= dialAt) ||
    // Who stays away until somebody asks has just been asked. Who waits is not hurried by it, or impatience would
    // undo the backoff.
    (what === "login" && dialAt === NEVER)
  );
}

function whileOpen(machine: Machine, input: Input): void {
  const { line } = machine;
  switch (input.do) {
    case "message":
      return read(machine, input.message);
    case "tick":
      return tick(machine);
    case "login":
      return login(machine, input);
    case "logout":
    case "ask":
      return ask(machine, { for: input.do, settle: input.settle }, input.wish);
    case "refresh":
      return refresh(machine, input.settle);
    case "signed":
      return signed(machine, input.token, input.proof);
    case "exchanged":
      return exchanged(machine, input.generation, input.ok);
    case "closed":
      return closed(machine, input.code, input.reason);
    case "unstored": {
      // Where the server knows of nobody, telling it would bring an answer that cannot be stored either, and so on.
      const mayStand = line.standing || isDeciding(machine, ["login", "present"]);
      fail(machine, "storage");
      line.asked.clear();
      line.signing = null;
      return (mayStand ? giveUp : forget)(machine, "storage");
    }
    case "start":
    case "opened":
    case "look":
  }
}

function open(machine: Machine): void {
  machine.link = { status: "open" };
  machine.line = new Line();
  (isByCookie(machine) ? expectCookie : present)(machine);
}

function tick(machine: Machine): void {
  const { line, time } = machine;
  if (time.ms < deadlineOf(machine)) return;
  if (!line.exchange) return present(machine);
  line.exchange = { ...line.exchange, retryAt: null };
  ask(machine, { for: "ticket" }, { type: "Ticket" });
}

function login(machine: Machine, login: Login): void {
  const { settle, wish } = login;
  if (isDeciding(machine, ["login"])) return refuse(machine, settle, "busy");
  ask(machine, { for: "login", settle, login }, wish);
}

/** Presents because the program wants it. What was put off has its time already. */
function refresh(machine: Machine, settle: Settle): void {
  if (isByCookie(machine)) refuse(machine, settle, "cookie_delivery");
  else if (isDeciding(machine) || machine.line.retryAt !== null) refuse(machine, settle, "busy");
  else present(machine, settle);
}

function read(machine: Machine, message: Incoming): void {
  const { line } = machine;
  const asked = answered(machine, message);
  switch (message.type) {
    case "Hello":
      line.nonce = message.nonce ?? null;
      return sign(machine);
    case "Ended":
      line.ended = known(message.reason, "revoked");
      return;
    case "Closing":
      line.reconnectAfter = message.reconnect_after;
      return;
    case "Success":
    case "Registered":
      return granted(machine, message, asked);
    case "Revoked":
      if (isOf(machine, message.session ?? null)) loggedOut(machine);
      break;
    case "LoggedOut":
      // What ended stays said where a logout only made both sides agree.
      if (asked?.for !== "leave") loggedOut(machine);
      break;
  }
  if (asked) answer(machine, asked, message);
}

/** Does what an answer that grants no token means to what was asked. */
function answer(machine: Machine, asked: Asked, message: Incoming): void {
  const { type, retry_after = 1 } = message;
  if (asked.for === "login") return loginRefused(machine, asked.login, message);
  if (asked.for === "ticket") exchangeFailed(machine);
  if (asked.for === "logout" && type === "NotLoggedIn") {
    loggedOut(machine);
    return tell(machine, asked.settle, { type });
  }
  if (asked.for === "present") {
    if (type === "InvalidToken") return refused(machine, asked, message);
    if (type === "TooManyRequests" || type === "Unavailable") {
      const until = machine.time.ms + Math.max(1, retry_after) * 1000;
      if (isByCookie(machine)) {
        abandon(machine);
        return waitUntil(machine, until);
      }
      machine.line.retryAt = until;
    } else if (isByCookie(machine) && asked.session) forget(machine, "cookie_lost");
  }
  tell(machine, asked.settle, outcomeOf(message));
}

function loginRefused(machine: Machine, asked: Login, message: Incoming): void {
  const { key, ...wish } = asked.wish;
  if (message.reason === "key_unsupported" && key) {
    // The same person's wish, to a server that binds no sessions.
    login(machine, { ...asked, wish });
  } else if (message.type === "AlreadyAuthorized" && !machine.line.standing) {
    giveUp(machine, "logged_out");
    refuseLogin(machine, asked, { ...message, retry_after: LOGIN_WAIT });
  } else {
    refuseLogin(machine, asked, message);
  }
}

function loggedOut(machine: Machine): void {
  if (isByCookie(machine)) machine.outputs.push({ do: "clear-cookie" });
  forget(machine, "logged_out");
}

function closed(machine: Machine, code: number | null, reason: string | undefined): void {
  const { line, kept, unanswered } = machine;
  // What was never answered may have been decided, for a connection that is gone. From the generation after the next on,
  // the rule would refuse it.
  const isEcho =
    code === SUPERSEDED && kept && kept.session === unanswered?.session && kept.generation <= unanswered.generation + 1;
  fail(machine, "lost");
  // The close frame may be lost; the session has ended all the same.
  if (line.ended || afterClose(code) === "forget") {
    forget(machine, line.ended ?? (code === EXPIRED ? "expired" : known(reason, "revoked")));
  }
  leave(machine, line.ended || isEcho ? null : code, line.reconnectAfter);
}

/**
 * Brings the client in line with what is kept by now. A session that another tab stored is that tab's: going on with it
 * here would take it from whoever just logged in there, and several tabs might present it under several attempt keys.
 */
function look(machine: Machine): void {
  const { kept } = machine;
  const { status } = statusOf(machine);
  if (kept) {
    if (status === "authenticated" ? !isOf(machine, kept.session) : status === "logged-out") {
      abandon(machine);
      leave(machine, SUPERSEDED);
    }
    // Wiped: nobody could come back to this session, so it must not live on.
  } else if (status === "authenticated") giveUp(machine, "storage");
  // The session that was to stay is gone, so there is nothing to stay away for.
  else if (status === "stopped") dial(machine);
}
