// What a program can ask for, in whichever tab, and what waits until it can be done.

import type { Question } from "./messages.js";
import type { Outcome, Phase } from "./turn.js";

/** How long something waits for a connection, or for somebody to be logged in. */
const HOLD_MS = 30_000;
/** How much waits so at the most. */
const HOLD_LIMIT = 256;

/** Frames of the application. */
export type Data = string | ArrayBuffer;

/** It passes between tabs as it stands. */
export type Command =
  | { readonly do: "send"; readonly data: Data }
  | { readonly do: "login"; readonly username: string; readonly password: string; readonly register: boolean }
  | { readonly do: "logout"; readonly everywhere: boolean }
  | { readonly do: "refresh" }
  | { readonly do: "question"; readonly question: Question }
  | { readonly do: "connect" };

export type Settle = (outcome: Outcome) => void;

/** What to do with a command. Otherwise it is refused with this code. */
type Readiness = "go" | "hold" | "start" | "not_logged_in" | "already_authorized" | "stopped";

function readiness({ do: wish }: Command, phase: Phase): Readiness {
  const isWish = (...names: Command["do"][]) => names.includes(wish);
  switch (phase.at) {
    case "waiting":
      if (phase.until === null && phase.code !== null) return isWish("login", "connect") ? "start" : "stopped";
      return isWish("connect") ? "start" : "hold";
    case "connecting":
    case "authenticating":
      return isWish("connect") ? "go" : "hold";
    case "logged-out":
      return isWish("login", "logout", "connect") ? "go" : "not_logged_in";
    case "authenticated":
      return isWish("login") ? "already_authorized" : "go";
  }
}

/** How the client stands, to whom commands are given. */
export interface Server {
  readonly phase: Phase;
  readonly canSend: boolean;
  start(): void;
  do(command: Command, settle: Settle): void;
}

export class Queue {
  #held: { readonly command: Command; readonly until: number; readonly settle: Settle }[] = [];

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  push(now: number, command: Command, settle: Settle): void {
    if (this.#held.length >= HOLD_LIMIT) settle({ code: "queue_full" });
    else this.#held.push({ command, settle, until: now + HOLD_MS });
  }

  /** Gives away what can be done now. Frames keep their order. */
  release(now: number, server: Server): void {
    const held = this.#held.splice(0);
    for (const one of held) {
      const { command, settle, until } = one;
      let ready = readiness(command, server.phase);
      const isBehind = this.#held.some((other) => other.command.do === "send");
      if (ready === "go" && command.do === "send" && (isBehind || !server.canSend)) ready = "hold";
      if (ready === "start") {
        server.start();
        ready = command.do === "connect" ? "go" : "hold";
      }
      if (ready === "go") server.do(command, settle);
      else if (ready !== "hold") settle({ code: ready });
      else if (now < until) this.#held.push(one);
      else settle({ code: "timeout" });
    }
  }

  fail(code: string): void {
    for (const { settle } of this.#held.splice(0)) settle({ code });
  }
}
