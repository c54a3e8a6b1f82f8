// Going on with a session: presenting what is kept, and taking a refusal.

import type { Line, Presented } from "./line.js";
import type { Incoming } from "./messages.js";
import { refusal } from "./reasons.js";
import { attempted } from "./record.js";
import { outcomeOf, refuse, send, type Turn, tell } from "./turn.js";

/** Opens a connection. In cookie delivery the upgrade itself presents, so its attempt key is kept before. */
export function connect(turn: Turn): void {
  const attempt = turn.memory.policy.delivery === "cookie" ? attemptKey(turn) : null;
  turn.outputs.push({ do: "connect", attempt });
}

/** The upgrade has presented the cookie, if there is one. What the request behind it gets tells if there was none. */
export function expectCookie(line: Line, turn: Turn): void {
  const { session = null, generation = 0 } = turn.kept ?? {};
  line.standing = { at: "logged-out", tried: session };
  send(turn, { type: "Ping", id: line.ask(turn, { for: "present", session, generation, evidence: "cookie", tag: 0 }) });
}

/**
 * Presents what is kept, with a proof or under its attempt key; unless something is being decided: what comes of that
 * decides what there is to present.
 */
export function present(line: Line, turn: Turn, tag = 0): void {
  if (line.isDeciding()) {
    line.retryAt = turn.now.ms;
    return refuse(turn, tag, "busy");
  }
  line.retryAt = line.refreshAt = null;
  const { kept } = turn;
  const isAuthenticated = line.standing.at === "authenticated";
  // Another tab forgot the session meanwhile, or logged in anew: then its session is not this connection's.
  if (!kept?.token || (isAuthenticated && !line.isOf(kept.session))) return refuse(turn, tag, "not_logged_in");
  const { session, generation, token } = kept;
  if (!isAuthenticated) {
    line.standing = { at: "logged-out", tried: session };
    turn.memory.ended = "logged_out";
  }
  if (kept.bound === "key") {
    line.signing = { token, tag };
    return sign(line, turn);
  }
  const attempt = attemptKey(turn) ?? "";
  const id = line.ask(turn, { for: "present", session, generation, evidence: "attempt", tag });
  send(turn, { type: "RefreshToken", id, token, attempt });
}

/** The attempt key of what is kept: the one that is there, or a new one. */
function attemptKey(turn: Turn): string | null {
  if (turn.kept && !turn.kept.attempt) turn.kept = attempted(turn.kept, turn.dice);
  return turn.kept?.attempt ?? null;
}

/** Asks for the proof that a presentation waits for, once there is a nonce to make it over. */
export function sign({ signing, nonce }: Line, turn: Turn): void {
  if (signing && nonce) turn.outputs.push({ do: "sign", token: signing.token, nonce });
}

/** `proof` is null where the key is gone. */
export function signed(line: Line, turn: Turn, token: string, proof: string | null): void {
  const { signing } = line;
  if (signing?.token !== token) return;
  line.signing = null;
  const { kept } = turn;
  const { tag } = signing;
  // Something else is being decided by now, or another tab stored a newer token while this one was signed.
  if (line.isDeciding() || kept?.token !== token) return present(line, turn, tag);
  const { session, generation } = kept;
  if (proof === null) {
    end(line, turn, session, "key_lost");
    return refuse(turn, tag, "key_lost");
  }
  const id = line.ask(turn, { for: "present", session, generation, evidence: "proof", tag });
  send(turn, { type: "RefreshToken", id, token, proof });
}

/** Takes an `InvalidToken`. Says whether the way on is another connection, because a cookie was refused. */
export function refused(line: Line, turn: Turn, presented: Presented, message: Incoming): boolean {
  const { session, evidence, tag } = presented;
  const reason = refusal(message.reason);
  const isDead = reason === "reused" || reason === "revoked";
  // The server has ended the session on this connection as well.
  if (isDead && line.isOf(session)) line.standing = { at: "logged-out", tried: session };
  if (isToBeRepeated(line, turn, presented, reason, isDead)) {
    if (evidence === "cookie") return true;
    present(line, turn, tag);
    return false;
  }
  const { kept } = turn;
  if (kept ? kept.session === session : reason !== "stale") {
    end(line, turn, session, reason === "proof_required" && evidence === "proof" ? "key_lost" : reason);
  }
  tell(turn, tag, outcomeOf(message));
  return false;
}

/** Whether there is something to present after this refusal, which may be what was presented, shown in another way. */
function isToBeRepeated(line: Line, turn: Turn, presented: Presented, reason: string, isDead: boolean): boolean {
  const { kept, memory } = turn;
  const { session, generation, evidence } = presented;
  if (!kept) return false;
  // Another tab logged in anew: its session is the one to go on with, on a connection that has none.
  if (kept.session !== session) return line.standing.at === "logged-out";
  if (isDead) return false;
  // Another tab stored a newer one meanwhile.
  if (kept.generation > generation) return true;
  const renewing = `${session}/${generation}`;
  if (reason === "stale" && memory.renewed !== renewing) {
    // Nothing newer is here, so somebody else is ahead: a new attempt makes that known.
    memory.renewed = renewing;
    turn.kept = attempted(kept, turn.dice);
    return true;
  }
  if (reason !== "proof_required" || evidence !== "attempt" || !memory.policy.canProve) return false;
  turn.kept = { ...kept, bound: "key" };
  return true;
}

function end(line: Line, turn: Turn, session: string | null, reason: Parameters<Line["forget"]>[1]): void {
  if (line.isOf(session)) line.giveUp(turn, reason);
  else line.forget(turn, reason);
}

/** Takes what says that the server cannot look at a presentation now. Gives when to connect again, for a cookie. */
export function putOff(line: Line, turn: Turn, { evidence }: Presented, { retry_after = 1 }: Incoming): number | null {
  const until = turn.now.ms + Math.max(1, retry_after) * 1000;
  if (evidence === "cookie") return until;
  line.retryAt = until;
  return null;
}
