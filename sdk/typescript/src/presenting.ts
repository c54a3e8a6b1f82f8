// Going on with a session: presenting what is kept, and taking a refusal.

import { attemptKey, redial } from "./away.js";
import { ask, forget, giveUp, isDeciding, isOf, type Presented } from "./line.js";
import type { Incoming, Wish } from "./messages.js";
import { known, type LogoutReason } from "./reasons.js";
import { attempted, type Kept } from "./record.js";
import { isByCookie, type Machine, outcomeOf, refuse, type Settle, tell } from "./turn.js";

/** The upgrade has presented the cookie, if there is one. What the request behind it gets tells if there was none. */
export function expectCookie(machine: Machine): void {
  const { session = null, generation = 0 } = machine.kept ?? {};
  machine.line.tried = session;
  ask(machine, { for: "present", session, generation }, { type: "Ping" });
  machine.line.upgradeId = machine.lastId;
}

/**
 * Presents what is kept, with a proof or under its attempt key; unless something is being decided: what comes of that
 * decides what there is to present.
 */
export function present(machine: Machine, settle?: Settle): void {
  const { line, kept, time } = machine;
  if (isDeciding(machine)) {
    line.retryAt = time.ms;
    return refuse(machine, settle, "busy");
  }
  line.retryAt = line.refreshAt = null;
  // Another tab forgot the session meanwhile, or logged in anew: then its session is not this connection's.
  if (!kept?.token || (line.standing && !isOf(machine, kept.session))) return refuse(machine, settle, "not_logged_in");
  if (!line.standing) {
    line.tried = kept.session;
    machine.ended = "logged_out";
  }
  if (kept.bound === "key") {
    line.signing = { token: kept.token, settle };
    sign(machine);
  } else show(machine, kept, "attempt", attemptKey(machine), settle);
}

/** Sends a token that is kept, with the field that shows whose it is. */
function show(machine: Machine, kept: Kept, evidence: "attempt" | "proof", value: string | null, settle: Settle): void {
  const { session, generation, token } = kept;
  const wish = { type: "RefreshToken", token, [evidence]: value } as Wish;
  ask(machine, { for: "present", session, generation, evidence, settle }, wish);
}

/** Asks for the proof that a presentation waits for, once there is a nonce to make it over. */
export function sign({ line: { signing, nonce }, outputs }: Machine): void {
  if (signing && nonce) outputs.push({ do: "sign", token: signing.token, nonce });
}

/** `proof` is null where the key is gone. */
export function signed(machine: Machine, token: string, proof: string | null): void {
  const { line, kept } = machine;
  const { signing } = line;
  if (signing?.token !== token) return;
  line.signing = null;
  const { settle } = signing;
  // Something else is being decided by now, or another tab stored a newer token while this one was signed.
  if (isDeciding(machine) || kept?.token !== token) return present(machine, settle);
  if (proof) return show(machine, kept, "proof", proof, settle);
  end(machine, kept.session, "key_lost");
  refuse(machine, settle, "key_lost");
}

/** Takes an `InvalidToken`. A cookie can be presented again only by another connection. */
export function refused(machine: Machine, presented: Presented, message: Incoming): void {
  const { session, evidence, settle } = presented;
  const reason = known(message.reason, "malformed");
  const isDead = reason === "reused" || reason === "revoked";
  // The server has ended the session on this connection as well.
  if (isDead && isOf(machine, session)) {
    machine.line.standing = null;
    machine.line.tried = session;
  }
  if (isToBeRepeated(machine, presented, reason, isDead)) {
    return isByCookie(machine) ? redial(machine) : present(machine, settle);
  }
  const { kept } = machine;
  // A cookie may outlive what is known of its session, and why that ended stays said.
  if (kept ? kept.session === session : reason !== "stale" && (session || machine.ended === "logged_out")) {
    end(machine, session, reason === "proof_required" && evidence === "proof" ? "key_lost" : reason);
  }
  tell(machine, settle, outcomeOf(message));
}

/** Whether there is something to present after this refusal, which may be what was presented, shown in another way. */
function isToBeRepeated(machine: Machine, presented: Presented, reason: LogoutReason, isDead: boolean): boolean {
  const { kept, line, policy } = machine;
  const { session, generation, evidence } = presented;
  if (!kept) return false;
  // Another tab logged in anew: its session is the one to go on with, on a connection that has none.
  if (kept.session !== session) return !line.standing;
  if (isDead) return false;
  // Another tab stored a newer one meanwhile.
  if (kept.generation > generation) return true;
  const renewing = `${session}/${generation}`;
  if (reason === "stale" && machine.renewed !== renewing) {
    // Nothing newer is here, so somebody else is ahead: a new attempt makes that known.
    machine.renewed = renewing;
    machine.kept = attempted(kept, machine.dice);
    return true;
  }
  if (reason !== "proof_required" || evidence !== "attempt" || !policy.canProve) return false;
  machine.kept = { ...kept, bound: "key" };
  return true;
}

function end(machine: Machine, session: string | null, reason: LogoutReason): void {
  (isOf(machine, session) ? giveUp : forget)(machine, reason);
}
