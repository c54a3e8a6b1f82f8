// Going on with a session: presenting what is kept, and taking a refusal.

import { ask, forget, isDeciding, isOf, type Line, leave, type Presented, waiting } from "./line.js";
import type { Incoming } from "./messages.js";
import { refusal } from "./reasons.js";
import { type Attempted, attempted, type Kept, reattempted } from "./record.js";
import { outcomeOf, send, type Turn, tell } from "./turn.js";

/** Opens a connection. In cookie delivery the upgrade itself presents, so its attempt key is kept before. */
export function connect(turn: Turn): void {
  const isPresenting = turn.memory.policy.delivery === "cookie" && turn.kept !== null;
  const attempt = isPresenting && turn.kept ? withAttempt(turn, turn.kept).attempt : null;
  turn.outputs.push({ do: "connect", attempt });
}

/** The upgrade has presented the cookie, if there is one. What the request behind it gets tells if there was none. */
export function expectCookie(line: Line, turn: Turn): void {
  const { session, generation } = turn.kept ?? { session: null, generation: 0 };
  line.standing = { at: "logged-out", tried: session };
  const id = ask(line, turn, { for: "present", session, generation, evidence: "cookie", tags: [] });
  send(turn, { type: "Ping", id });
}

/**
 * Presents what is kept, with a proof or under its attempt key; unless something is being decided: what comes of that
 * decides what there is to present.
 */
export function present(line: Line, turn: Turn, tags: readonly number[] = []): void {
  if (isDeciding(line)) {
    line.retryAt = turn.now.ms;
    return tell(turn, tags, { ok: false, code: "busy" });
  }
  line.retryAt = null;
  line.refreshAt = null;
  const { kept } = turn;
  const token = kept?.token;
  const isAnothers = line.standing.at === "authenticated" && !isOf(line, kept?.session);
  // Another tab forgot the session meanwhile, or logged in anew: then its session is not this connection's.
  if (kept === null || token === undefined || isAnothers) return tell(turn, tags, { ok: false, code: "not_logged_in" });
  if (line.standing.at === "logged-out") {
    line.standing = { at: "logged-out", tried: kept.session };
    turn.memory.ended = "logged_out";
  }
  if (kept.bound === "key") {
    line.signing = { token, tags };
    return sign(line, turn);
  }
  const { session, generation, attempt } = withAttempt(turn, kept);
  const id = ask(line, turn, { for: "present", session, generation, evidence: "attempt", tags });
  send(turn, { type: "RefreshToken", id, token, attempt });
}

function withAttempt(turn: Turn, kept: Kept): Attempted {
  const withKey = attempted(kept, turn.dice);
  turn.kept = withKey;
  return withKey;
}

/** Asks for the proof that a presentation waits for, once there is a nonce to make it over. */
export function sign({ signing, nonce }: Line, turn: Turn): void {
  if (signing !== null && nonce !== null) turn.outputs.push({ do: "sign", token: signing.token, nonce });
}

/** `proof` is null where the key is gone. */
export function signed(line: Line, turn: Turn, token: string, proof: string | null): void {
  const { signing } = line;
  if (signing?.token !== token) return;
  line.signing = null;
  const { kept } = turn;
  // Something else is being decided by now, or another tab stored a newer token while this one was signed.
  if (isDeciding(line) || kept?.token !== token) return present(line, turn, signing.tags);
  if (proof === null) {
    tell(turn, signing.tags, { ok: false, code: "key_lost" });
    const isLive = isOf(line, kept.session);
    forget(line, turn, "key_lost");
    if (isLive) leave(line, turn);
    return;
  }
  const { session, generation } = kept;
  const id = ask(line, turn, { for: "present", session, generation, evidence: "proof", tags: signing.tags });
  send(turn, { type: "RefreshToken", id, token, proof });
}

/** Takes an `InvalidToken`. */
export function refused(line: Line, turn: Turn, presented: Presented, message: Incoming): "reconnect" | undefined {
  const { session, generation, evidence, tags } = presented;
  const reason = refusal(message.reason);
  const isDead = reason === "reused" || reason === "revoked";
  // The server has ended the session on this connection as well.
  if (isDead && isOf(line, session)) line.standing = { at: "logged-out", tried: session };
  const { kept } = turn;
  const again = (): "reconnect" | undefined => {
    if (evidence === "cookie") return "reconnect";
    present(line, turn, tags);
    return undefined;
  };
  if (kept !== null && kept.session !== session) {
    // Another tab logged in anew: its session is the one to go on with, on a connection that has none.
    if (line.standing.at === "logged-out") return again();
  } else if (kept !== null && !isDead && kept.generation > generation) {
    return again();
  } else if (kept !== null && reason === "stale" && !isRenewed(turn, kept)) {
    // Nothing newer is here, so somebody else is ahead: a new attempt makes that known.
    turn.kept = reattempted(kept, turn.dice);
    turn.memory.renewed = { session: kept.session, generation };
    return again();
  } else if (kept !== null && isMissingProof(turn, reason, evidence)) {
    turn.kept = { ...kept, bound: "key" };
    return again();
  } else if (kept !== null || reason !== "stale") {
    const isLive = isOf(line, session);
    forget(line, turn, reason === "proof_required" && evidence === "proof" ? "key_lost" : reason);
    if (isLive) leave(line, turn);
  }
  tell(turn, tags, outcomeOf(message));
  return undefined;
}

function isRenewed({ memory: { renewed } }: Turn, kept: Kept): boolean {
  return renewed?.session === kept.session && renewed.generation === kept.generation;
}

function isMissingProof({ memory: { policy } }: Turn, reason: string, evidence: Presented["evidence"]): boolean {
  return reason === "proof_required" && evidence === "attempt" && policy.canProve;
}

/** Takes what says that the server cannot look at a presentation now. Gives when to connect again, for a cookie. */
export function putOff(line: Line, turn: Turn, { evidence, tags }: Presented, message: Incoming): number | null {
  const until = turn.now.ms + Math.max(1, message.retryAfter ?? 1) * 1000;
  tell(turn, tags, outcomeOf(message));
  if (evidence === "cookie") return until;
  line.retryAt = until;
  return null;
}

/** Leaves the connection: whoever waits for an answer on it gets none. */
export function abandon(line: Line, turn: Turn): void {
  tell(turn, waiting(line), { ok: false, code: "lost" });
  turn.outputs.push({ do: "drop" });
}
