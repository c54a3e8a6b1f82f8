// Drives the machine: one connection after the other, the clock, the dice, the storage. One tab has one of these at
// work.

import { type Command, type Data, readiness } from "./commands.js";
import { type Arrival, type Connection, openConnection } from "./connection.js";
import type { Environment } from "./environment.js";
import { prove, publicKey } from "./keys.js";
import { deadlineOf, handle, newMachine, statusOf } from "./machine.js";
import { fromText, type Kept } from "./record.js";
import type { Status } from "./state.js";
import { type Input, NEVER, type Outcome, type Output, type Policy } from "./turn.js";

/** How much may have come while the storage is busy; beyond it the connection is given up. */
const INBOX_LIMIT = 4_096;
/** How long something waits for a connection, or for somebody to be logged in. Tabs limit how much does. */
const HOLD_MS = 30_000;
/** The timer fires this often at least. One that fires much later shows that the machine slept. */
const WATCH_MS = 10_000;
const SLEPT_MS = 5_000;
/** A page may say again and again that it woke up. It counts so often, and the last time always does. */
const WAKE_PAUSE_MS = 1_000;

export interface Listener {
  status(status: Status): void;
  message(data: Data): void;
}

export interface Driver {
  /** Does it as soon as it can be done, and tells the outcome. */
  execute(command: Command, settle: (outcome: Outcome) => void): void;
  /** Closes the connection; the session is kept. Nothing happens after it, and nobody is told an outcome. */
  stop(): void;
  /** Somebody else may have changed the storage. */
  look(): void;
  /** The machine, the page or the network may have been away. */
  wake(): void;
}

/** What a program waits to be done. */
interface Held {
  readonly command: Command;
  readonly settle: (outcome: Outcome) => void;
  readonly until: number;
}

export function drive(environment: Environment, policy: Policy, listener: Listener): Driver {
  const { cookie, dice, endpoint, keys, name, time, requestLock, storage } = environment;
  const machine = newMachine(policy);
  /** What came, in order. What came from a connection counts only while that is the one. */
  const inbox: (Arrival & { readonly from: Connection | null })[] = [];
  let held: Held[] = [];
  let life: "idle" | "busy" | "over" = "idle";
  let connection: Connection | null = null;
  /** What was published last, as text. */
  let published = "";
  /** When it counts again that the page woke up, and whether it did before that. */
  let wakeAt = 0;
  let isWoken = false;
  let cancelTimer = () => {};

  function tell(input: Input, from: Connection | null = null): void {
    // A connection that is given up counts no longer, whatever has come from it.
    if (!from && input.do === "closed") abandon();
    take({ input, from });
  }

  function lost(): void {
    tell({ do: "closed", code: null });
  }

  function take(arrival: (typeof inbox)[number]): void {
    if (inbox.length >= INBOX_LIMIT) {
      inbox.length = 0;
      return lost();
    }
    inbox.push(arrival);
    if (life === "idle") void work();
  }

  async function work(): Promise<void> {
    life = "busy";
    for (let next = inbox.shift(); next; next = inbox.shift()) {
      if (isLeft(next.from)) continue;
      if ("data" in next) listener.message(next.data);
      else await turn(next.input, next.from);
    }
    if (!isOver()) life = "idle";
    schedule();
  }

  /** A function, because it may change while something is awaited. */
  function isOver(): boolean {
    return life === "over";
  }

  function isLeft(from: Connection | null): boolean {
    return isOver() || (!!from && from !== connection);
  }

  async function turn(input: Input, from: Connection | null): Promise<void> {
    const outputs = await requestLock(`${name}:storage`, () => decide(input, from));
    // First of all, so that whoever is told an outcome finds the state that it led to.
    if (!isOver()) publish();
    // Whoever heard of the state may have closed the client.
    if (isOver()) return;
    outputs?.forEach(act);
    proceed();
  }

  /** One turn of the machine, stored. Where that fails, nothing of it is done, and the session is over. */
  async function decide(input: Input, from: Connection | null): Promise<Output[]> {
    let before = null as Kept | null;
    const isRead = await works(async () => {
      before = fromText(await storage.read());
    });
    // Left while the storage was busy.
    if (isLeft(from)) return [];
    if (input.do === "closed") abandon();
    const { line } = machine;
    const { standing } = line;
    const outputs = handle(machine, time(), dice(), before, input);
    const { kept } = machine;
    if (isRead && (await works(() => kept === before || storage.write(kept && JSON.stringify(kept))))) return outputs;
    await works(() => storage.write(null));
    // The turn may have given up whoever was logged in, and its `Logout` is not sent.
    line.standing ??= standing;
    // What a program waits for fails with the storage.
    const told = outputs.filter((output) => output.do === "outcome");
    return [
      ...told.map((output) => ({ ...output, what: { code: "storage" } })),
      ...handle(machine, time(), dice(), null, { do: "unstored" }),
    ];
  }

  function act(output: Output): void {
    const from = connection;
    switch (output.do) {
      case "send":
        return from?.send(output.what);
      case "connect":
        return open(output.attempt);
      case "drop":
        return abandon();
      case "sign": {
        const { token, nonce } = output;
        // Without a connection to prove it on, the proof would count on the next one, whose nonce is another.
        if (from)
          void prove(keys, token, nonce, endpoint.href).then((proof) => tell({ do: "signed", token, proof }, from));
        return;
      }
      case "exchange": {
        const { ticket, generation } = output;
        void cookie(ticket).then((ok) => tell({ do: "exchanged", generation, ok }, from));
        return;
      }
      case "outcome":
        return output.settle(output.what);
      case "clear-cookie":
        void cookie(null);
    }
  }

  function open(attempt: string | null): void {
    abandon();
    try {
      const opened = openConnection(environment, attempt, (arrival) => {
        if (opened === connection) take({ ...arrival, from: opened });
      });
      connection = opened;
    } catch {
      lost();
    }
  }

  function abandon(): void {
    connection?.close();
    connection = null;
    void cookie();
  }

  function publish(): void {
    const status = statusOf(machine);
    const text = JSON.stringify(status);
    if (text !== published) listener.status(status);
    published = text;
    // Another tab may have taken away what this connection lives on.
    if (status.status === "authenticated" && machine.kept?.session !== status.session) tell({ do: "look" });
  }

  /** Does what can be done by now, and sets the timer for the rest. Frames keep their order. */
  function proceed(): void {
    const waiting = held;
    held = [];
    for (const one of waiting) {
      const { command, settle, until } = one;
      const ready = readiness(command, statusOf(machine), machine.link.status === "logged-out");
      const isFrame = command.do === "send";
      const isStuck = isFrame && (!connection?.isOpen() || held.some((other) => other.command.do === "send"));
      if (ready === "start") tell({ do: "start" });
      if (ready === "hold" || ready === "start" || (ready === "go" && isStuck)) {
        if (time().ms < until) held.push(one);
        else settle({ code: "timeout" });
      } else if (ready === "go") begin(command, settle);
      else settle({ code: ready });
    }
    schedule();
  }

  function begin(command: Command, settle: Held["settle"]): void {
    switch (command.do) {
      case "send":
        // It is open, or the frame would wait.
        return settle((connection as Connection).pass(command.data));
      case "connect":
        tell({ do: "start" });
        return settle({ type: "connect" });
      case "login":
        void publicKey(keys).then((key) => tell({ do: "login", settle, wish: { ...command.wish, key } }));
        return;
      default:
        tell({ ...command, settle } as Input);
    }
  }

  function schedule(): void {
    cancelTimer();
    const { ms, unixMs } = time();
    // What comes of the turn that is under way may be another one, and the storage may keep it waiting.
    const dueAt = life === "busy" ? NEVER : deadlineOf(machine);
    const deadline = Math.min(dueAt, connection?.deadline() ?? NEVER, isWoken ? wakeAt : NEVER);
    if (isOver() || (!connection && held.length === 0 && deadline === NEVER)) return;
    const wait = Math.max(0, Math.min(WATCH_MS, deadline - ms));
    cancelTimer = environment.setTimer(wait, () => tick(unixMs + wait));
  }

  function tick(dueUnixMs: number): void {
    const { ms, unixMs } = time();
    // A page that nobody sees gets its timers late as well: a wait was slept through only where its own end is over.
    if (isWoken || unixMs - (machine.link.until || dueUnixMs) > SLEPT_MS) wake();
    if (connection?.tick()) lost();
    if (ms >= deadlineOf(machine)) tell({ do: "tick" });
    proceed();
  }

  function wake(): void {
    const { ms } = time();
    isWoken = ms < wakeAt;
    if (!isWoken) {
      wakeAt = ms + WAKE_PAUSE_MS;
      if (machine.link.until) tell({ do: "start" });
      else if (connection?.tick(true)) lost();
    }
    schedule();
  }

  tell({ do: "start" });
  return {
    execute(command, settle) {
      held.push({ command, settle, until: time().ms + HOLD_MS });
      proceed();
    },
    stop() {
      life = "over";
      cancelTimer();
      abandon();
    },
    look: () => tell({ do: "look" }),
    wake,
  };
}

/** Whether the storage did it. */
async function works(action: () => unknown): Promise<boolean> {
  try {
    await action();
    return true;
  } catch {
    return false;
  }
}
