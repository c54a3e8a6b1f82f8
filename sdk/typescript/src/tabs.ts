// One connection for any number of tabs. Whoever holds a lock leads: it drives the connection, tells the others how it
// stands and what came, and does what they ask. The browser gives the lock on when a tab closes or crashes.
//
// Something that is asked for is done once: it is addressed to one term of one leader. A leader tells the outcome of a
// frame as it hands it to the socket, so whoever was told none asks the next leader again. Of a request nobody knows
// whether a leader that is gone had it done: it is lost, as with a connection that broke.

import type { Command, Data } from "./commands.js";
import { type Driver, drive } from "./driver.js";
import type { Channel, Environment } from "./environment.js";
import type { State, Status } from "./state.js";
import type { Outcome, Policy } from "./turn.js";

/** How long a tab that may be a copy waits for the one that it may be a copy of, which may be itself before a reload. */
const COPY_MS = 1_000;
/** How long anything may take: half a minute for a connection, and the rest for the answer. A leader may not run at all. */
const LONGEST_MS = 60_000;
/** How much a tab may ask for at a time. */
const ASKED_LIMIT = 256;

interface Asked {
  readonly command: Command;
  readonly until: number;
}

type Note =
  /** A tab that wants to know who leads. */
  | { readonly say: "join" }
  /** Who leads, in which term, and how the connection stands. */
  | { readonly say: "lead"; readonly term: string; readonly status: Status }
  | { readonly say: "message"; readonly term: string; readonly data: Data }
  /** Until when, on the wall clock, it may be done: whoever asks is told that it is lost by then. */
  | (Asked & { readonly say: "ask"; readonly term: string; readonly tab: string; readonly id: number })
  | { readonly say: "outcome"; readonly tab: string; readonly id: number; readonly outcome: Outcome };

type Role =
  /** `term` of the leader; null while nobody is known to lead. */
  | { readonly is: "follower"; readonly term: string | null; readonly driver?: undefined }
  | { readonly is: "leader"; readonly term: string; readonly driver: Driver; readonly resign: () => void }
  | { readonly is: "away"; readonly term?: undefined; readonly driver?: undefined };

/** The `state` of this tab changed, or a `message` came. */
export type Listener = (name: "state" | "message", event: State | Data) => void;

/** This tab's place among all. */
export interface Tab {
  state(): State;
  /** Never rejects. */
  execute(command: Command): Promise<Outcome>;
  close(): void;
}

export function joinTabs(environment: Environment, policy: Policy, listener: Listener): Tab {
  const tab = environment.newName();
  const asked = new Map<number, Asked & { settle(outcome: Outcome): void }>();
  let lastId = 0;
  let role: Role;
  let state: State = { status: "connecting", username: null, leader: false };
  let channel: Channel | null = null;
  let wanting: AbortController;

  function join(): void {
    const { openChannel, copy } = environment;
    wanting = new AbortController();
    role = { is: "follower", term: null };
    if (openChannel) {
      channel = openChannel((note) => hear(note as Note));
      post({ say: "join" });
      void want("leader", wanting.signal);
    } else if (copy) void wantCopy(copy).catch(lead);
    else void lead();
  }

  /** Leads as soon as nobody else does, unless that takes longer than this tab wants to wait. */
  function want(lock: string, signal: AbortSignal): Promise<void> {
    return environment.requestLock(`${environment.name}:${lock}`, lead, signal);
  }

  /** A tab that was copied with its storage must not go on with the session of the one that it was copied from. */
  async function wantCopy({ name, renew }: NonNullable<Environment["copy"]>): Promise<void> {
    const { signal } = wanting;
    const patience = new AbortController();
    signal.onabort = environment.setTimer(COPY_MS, () => patience.abort());
    await want(name(), patience.signal);
    if (patience.signal.aborted && role.is === "follower") await want(renew(), signal);
  }

  /** Drives the connection until this tab resigns. */
  async function lead(): Promise<void> {
    if (role.is !== "follower") return;
    const term = environment.newName();
    const driver = drive(environment, policy, {
      status(next) {
        post({ say: "lead", term, status: next });
        show(next);
      },
      message(data) {
        post({ say: "message", term, data });
        listener("message", data);
      },
    });
    return new Promise((resign) => begin({ is: "leader", term, driver, resign }));
  }

  /** Leaves the others. What they have to tell from now on is not heard, so what was asked for is settled with `code`. */
  function leave(code: string): void {
    if (role.driver) {
      role.driver.stop();
      role.resign();
    }
    role = { is: "away" };
    wanting.abort();
    channel?.close();
    channel = null;
    for (const id of asked.keys()) settle(id, { code });
  }

  function hear(note: Note): void {
    if (note.say === "outcome") {
      if (note.tab === tab) settle(note.id, note.outcome);
    } else if (role.driver) {
      if (note.say === "join") post({ say: "lead", term: role.term, status: state });
      if (note.say === "ask" && note.term === role.term) {
        const { id, until } = note;
        // This tab may have hung. A tab of another release says no time, which is not less than any.
        if (until < environment.time().unixMs) return;
        whileLeading(note.command, (outcome) => post({ say: "outcome", tab: note.tab, id, outcome }));
      }
    } else if (role.is === "follower") {
      if (note.say === "message") listener("message", note.data);
      if (note.say === "lead") {
        if (note.term !== role.term) begin({ is: "follower", term: note.term });
        show(note.status);
      }
    }
  }

  /** What a leader that resigned refuses for that reason, the next one will do. */
  function whileLeading(command: Command, done: (outcome: Outcome) => void): void {
    const { driver } = role;
    driver?.execute(command, (outcome) => driver === role.driver && done(outcome));
  }

  function ask(id: number, { command, until }: Asked): void {
    if (role.term && !role.driver) post({ say: "ask", term: role.term, tab, id, command, until });
    else whileLeading(command, (outcome) => settle(id, outcome));
  }

  /** A new term begins: what was asked for goes to its leader, but for requests that went to the one before. */
  function begin(next: Role): void {
    const { term } = role;
    role = next;
    for (const [id, one] of asked) {
      if (term && "wish" in one.command) settle(id, { code: "lost" });
      else ask(id, one);
    }
  }

  function settle(id: number, outcome: Outcome): void {
    asked.get(id)?.settle(outcome);
    asked.delete(id);
  }

  function post(note: Note): void {
    channel?.postMessage(note);
  }

  function show(next: Status): void {
    state = { ...next, leader: !!role.driver };
    listener("state", state);
  }

  const stopListening = environment.listen({
    wake: () => role.driver?.wake(),
    look: () => role.driver?.look(),
    freeze: () => leave("lost"),
    thaw: () => role.is === "away" && join(),
  });
  join();

  return {
    state: () => state,
    async execute(command) {
      if (state.status === "closed") return { code: "closed" };
      if (asked.size >= ASKED_LIMIT) return { code: "queue_full" };
      return new Promise((resolve) => {
        const id = ++lastId;
        const cancel = environment.setTimer(LONGEST_MS, () => settle(id, { code: role.term ? "lost" : "timeout" }));
        const one = {
          command,
          until: environment.time().unixMs + LONGEST_MS,
          settle(outcome: Outcome) {
            cancel();
            resolve(outcome);
          },
        };
        asked.set(id, one);
        ask(id, one);
      });
    },
    close() {
      if (state.status === "closed") return;
      stopListening();
      leave("closed");
      show({ status: "closed" });
    },
  };
}
