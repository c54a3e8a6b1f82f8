// Drives the machine: one connection after the other, the clock, the dice, the storage. One tab has one of these at
// work.

import { type Command, type Data, Queue, type Settle } from "./commands.js";
import { type Arrival, Connection } from "./connection.js";
import type { Environment } from "./environment.js";
import { prove, publicKey } from "./keys.js";
import { Machine } from "./machine.js";
import { fromText, type Kept } from "./record.js";
import { type Status, statusOf } from "./state.js";
import type { Input, Output, Policy } from "./turn.js";

/** How much may have come while the storage is busy; beyond it the connection is given up. */
const INBOX_LIMIT = 4_096;
/** The timer fires this often at least. One that fires much later shows that the machine slept. */
const WATCH_MS = 10_000;
const SLEPT_MS = 5_000;
/** However often the page says that it woke up. */
const WAKE_PAUSE_MS = 1_000;

export interface Listener {
  status(status: Status): void;
  message(data: Data): void;
}

export class Driver {
  readonly #environment: Environment;
  readonly #listener: Listener;
  readonly #machine: Machine;
  readonly #queue = new Queue();
  /** What came, in order. What came from a connection counts only while that is the one. */
  readonly #inbox: (Arrival & { readonly from: Connection | null })[] = [];
  /** By tag, who waits for an outcome. */
  readonly #asked = new Map<number, Settle>();
  #life: "idle" | "busy" | "over" = "idle";
  #connection: Connection | null = null;
  #kept: Kept | null = null;
  /** What was published last, as text. */
  #published = "";
  #lastTag = 0;
  #wokeAt = Number.NEGATIVE_INFINITY;
  #cancelTimer = () => {};

  constructor(environment: Environment, policy: Policy, listener: Listener) {
    this.#environment = environment;
    this.#listener = listener;
    this.#machine = new Machine(policy);
    this.#input({ do: "start" });
  }

  /** Does it as soon as it can be done, and tells the outcome. */
  execute(command: Command, settle: Settle): void {
    if (this.#isOver()) return settle({ code: "closed" });
    this.#queue.push(this.#now(), command, settle);
    this.#release();
    this.#schedule();
  }

  /** Closes the connection; the session is kept. Nothing happens after it. */
  stop(): void {
    this.#life = "over";
    this.#cancelTimer();
    this.#abandon();
    this.#queue.fail("closed");
    for (const settle of this.#asked.values()) settle({ code: "closed" });
    this.#asked.clear();
  }

  /** Somebody else may have changed the storage. */
  look(): void {
    this.#input({ do: "look" });
  }

  /** The machine, the page or the network may have been away. */
  wake(): void {
    const now = this.#now();
    if (now - this.#wokeAt < WAKE_PAUSE_MS) return;
    this.#wokeAt = now;
    const { phase } = this.#machine;
    if (phase.at === "waiting" && phase.until !== null) this.#input({ do: "start" });
    else if (phase.at !== "connecting" && this.#connection?.wake()) this.#input({ do: "closed", code: null });
    this.#schedule();
  }

  #input(input: Input, from: Connection | null = null): void {
    // A connection that is given up counts no longer, whatever has come from it.
    if (from === null && input.do === "closed") this.#abandon();
    this.#take({ input, from });
  }

  #take(arrival: Arrival & { readonly from: Connection | null }): void {
    if (this.#inbox.length >= INBOX_LIMIT) {
      this.#inbox.length = 0;
      return this.#input({ do: "closed", code: null });
    }
    this.#inbox.push(arrival);
    if (this.#life === "idle") void this.#work();
  }

  async #work(): Promise<void> {
    this.#life = "busy";
    for (let next = this.#inbox.shift(); next && !this.#isOver(); next = this.#inbox.shift()) {
      if (next.from && next.from !== this.#connection) continue;
      if ("data" in next) this.#listener.message(next.data);
      else await this.#turn(next.from, next.input);
    }
    if (!this.#isOver()) this.#life = "idle";
  }

  /** A function, because it may change while something is awaited. */
  #isOver(): boolean {
    return this.#life === "over";
  }

  async #turn(from: Connection | null, input: Input): Promise<void> {
    const outputs = await this.#environment.exclusively(() => this.#handle(from, input));
    if (this.#isOver()) return;
    // First of all, so that whoever is told an outcome finds the state that it led to.
    this.#publish();
    for (const output of outputs) this.#act(output);
    this.#release();
    this.#schedule();
  }

  /** One turn of the machine, stored. Where that fails, nothing of it is done, and the session is over. */
  async #handle(from: Connection | null, input: Input): Promise<Output[]> {
    const { now, dice, storage } = this.#environment;
    let before: Kept | null = null;
    let isBroken = false;
    try {
      before = fromText(await storage.read());
    } catch {
      isBroken = true;
    }
    // Left while the storage was busy.
    if (this.#isOver() || (from && from !== this.#connection)) return [];
    if (input.do === "closed") this.#abandon();
    const { kept, outputs } = this.#machine.handle(now(), dice(), before, input);
    this.#kept = kept;
    try {
      if (kept !== before) await storage.write(kept && JSON.stringify(kept));
    } catch {
      isBroken = true;
    }
    if (!isBroken) return outputs;
    this.#kept = null;
    try {
      await storage.write(null);
    } catch {
      // There is nothing else to try.
    }
    const failure = this.#machine.handle(now(), dice(), null, { do: "storage-failed" });
    return [...outputs.flatMap(withheld), ...failure.outputs];
  }

  #act(output: Output): void {
    const { cookie, keys, endpoint } = this.#environment;
    const from = this.#connection;
    switch (output.do) {
      case "connect":
        return this.#open(output.attempt);
      case "drop":
        return this.#abandon();
      case "send":
        return from?.send(output.request);
      case "sign": {
        const { token, nonce } = output;
        const proof = keys ? prove(keys, { token, nonce, audience: endpoint.href }) : Promise.resolve(null);
        void proof.then((made) => this.#input({ do: "signed", token, proof: made }, from));
        return;
      }
      case "exchange": {
        const { generation } = output;
        void cookie.exchange(output.ticket).then((ok) => this.#input({ do: "exchanged", generation, ok }, from));
        return;
      }
      case "clear-cookie":
        void cookie.clear();
        return;
      case "outcome":
        this.#asked.get(output.tag)?.(output.outcome);
        this.#asked.delete(output.tag);
    }
  }

  #open(attempt: string | null): void {
    this.#abandon();
    try {
      const connection: Connection = new Connection(this.#environment, attempt, (arrival) => {
        if (connection === this.#connection) this.#take({ ...arrival, from: connection });
      });
      this.#connection = connection;
    } catch {
      this.#input({ do: "closed", code: null });
    }
  }

  #abandon(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  #publish(): void {
    const { phase } = this.#machine;
    // The end of a wait does not change, but would be computed anew.
    const published = JSON.stringify([phase, this.#kept?.username]);
    if (published === this.#published) return;
    this.#published = published;
    this.#listener.status(statusOf(phase, this.#kept, this.#environment.now()));
    // Another tab may have taken away what this connection lives on.
    if (phase.at === "authenticated" && this.#kept?.session !== phase.grant.session) this.look();
  }

  #release(): void {
    this.#queue.release(this.#now(), {
      phase: this.#machine.phase,
      canSend: this.#connection?.isOpen ?? false,
      start: () => this.#input({ do: "start" }),
      do: (command, settle) => this.#do(command, settle),
    });
  }

  #do(command: Command, settle: Settle): void {
    const input = (make: (tag: number) => Input) => {
      this.#lastTag += 1;
      this.#asked.set(this.#lastTag, settle);
      this.#input(make(this.#lastTag));
    };
    switch (command.do) {
      case "send":
        return settle(this.#connection?.pass(command.data) ?? { code: "lost" });
      case "login": {
        const { keys } = this.#environment;
        void (keys ? publicKey(keys) : Promise.resolve(null)).then((key) => input((tag) => ({ ...command, tag, key })));
        return;
      }
      case "connect":
        return settle({ type: "connect" });
      case "logout":
        if (this.#machine.phase.at === "logged-out") return settle({ type: "NotLoggedIn" });
    }
    input((tag) => ({ ...command, tag }));
  }

  #schedule(): void {
    this.#cancelTimer();
    const { ms, unixMs } = this.#environment.now();
    const { deadline } = this.#machine;
    const isIdle = !this.#connection && deadline === null && this.#queue.isEmpty;
    if (isIdle || this.#isOver()) return;
    const due = Math.min(
      ms + WATCH_MS,
      deadline ?? Number.POSITIVE_INFINITY,
      this.#connection?.deadline ?? ms + WATCH_MS,
    );
    const wait = Math.max(0, due - ms);
    this.#cancelTimer = this.#environment.setTimer(wait, () => this.#tick(unixMs + wait));
  }

  #tick(dueUnixMs: number): void {
    const { ms, unixMs } = this.#environment.now();
    const { deadline } = this.#machine;
    if (unixMs - dueUnixMs > SLEPT_MS) this.wake();
    else if (this.#connection?.tick()) this.#input({ do: "closed", code: null });
    if (deadline !== null && ms >= deadline) this.#input({ do: "tick" });
    this.#release();
    this.#schedule();
  }

  #now(): number {
    return this.#environment.now().ms;
  }
}

/** What a program waits for fails with the storage; nothing else of a turn that could not be stored is done. */
function withheld(output: Output): Output[] {
  if (output.do !== "outcome") return [];
  return [{ ...output, outcome: "code" in output.outcome ? output.outcome : { code: "storage" } }];
}
