// Away from the server: leaving a connection, waiting, and dialing the next one.

import { backoffMs } from "./backoff.js";
import { afterClose } from "./close.js";
import { fail } from "./line.js";
import { attempted } from "./record.js";
import { isByCookie, type Machine, NEVER } from "./turn.js";

/** Opens a connection. In cookie delivery the upgrade itself presents, so its attempt key is kept before. */
export function dial(machine: Machine): void {
  machine.link = { status: "connecting" };
  machine.dialAt = NEVER;
  machine.outputs.push({ do: "connect", attempt: isByCookie(machine) ? attemptKey(machine) : null });
}

/** The attempt key of what is kept: the one that is there, or a new one. */
export function attemptKey(machine: Machine): string | null {
  const { kept, dice } = machine;
  if (kept && !kept.attempt) machine.kept = attempted(kept, dice);
  return machine.kept?.attempt ?? null;
}

/** Leaves the connection. Whoever waits for an answer on it gets none. */
export function abandon(machine: Machine): void {
  fail(machine, "lost");
  machine.outputs.push({ do: "drop" });
}

export function redial(machine: Machine): void {
  abandon(machine);
  dial(machine);
}

export function waitUntil(machine: Machine, ms: number): void {
  const { time } = machine;
  machine.link = { status: "waiting", until: time.unixMs + ms - time.ms };
  machine.dialAt = ms;
}

/** Is away after a close with `code`: for a while, or until a person or the program asks. */
export function leave(machine: Machine, code: number | null, reconnectAfter = 0): void {
  const after = afterClose(code);
  if (code !== null && after === "stay") {
    machine.link = { status: "stopped", code };
  } else if (after === "resume" && !machine.kept) {
    // A connection would serve nobody, and take the place of somebody else's.
    machine.link = { status: "logged-out", reason: machine.ended };
  } else {
    waitUntil(machine, machine.time.ms + reconnectAfter * 1000 + backoffMs(machine.failures, machine.dice));
    machine.failures += 1;
  }
}
