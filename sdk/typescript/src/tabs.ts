// One connection for any number of tabs. Whoever holds a lock leads: it drives the connection, tells the others how it
// stands and what came, and does what they ask. The browser gives the lock on when a tab closes or crashes.
//
// Something that is asked for is done once: it is addressed to one term of one leader, and whoever asked asks the next
// leader again unless it was told the outcome. A leader tells the outcome of a frame as it hands it to the socket.

import type { Command, Data } from "./commands.js";
import { Driver } from "./driver.js";
import type { Channel, Environment, RequestLock, Sharing } from "./environment.js";
import type { State, Status } from "./state.js";
import type { Outcome, Policy } from "./turn.js";

/** How long a tab that may be a copy waits for the one that it may be a copy of, which may be itself before a reload. */
const COPY_MS = 1_000;
/** How much a tab may ask for at a time. */
const ASKED_LIMIT = 1_024;

type Note =
  /** A tab that wants to know who leads. */
  | { readonly say: "join" }
  /** Who leads, in which term, and how the connection stands. */
  | { readonly say: "lead"; readonly term: string; readonly status: Status }
  | { readonly say: "message"; readonly term: string; readonly data: Data }
  | { readonly say: "ask"; readonly term: string; readonly tab: string; readonly id: number; readonly command: Command }
  | { readonly say: "outcome"; readonly tab: string; readonly id: number; readonly outcome: Outcome };

type Role =
  /** `term` of the leader; null while nobody is known to lead. */
  | { readonly is: "follower"; readonly term: string | null }
  | { readonly is: "leader"; readonly term: string; readonly driver: Driver; readonly resign: () => void }
  | { readonly is: "away" };

interface Asked {
  readonly command: Command;
  settle(outcome: Outcome): void;
}

export interface Listener {
  state(state: State): void;
  message(data: Data): void;
}

export class Tabs {
  readonly #environment: Environment;
  readonly #policy: Policy;
  readonly #listener: Listener;
  readonly #tab: string;
  readonly #asked = new Map<number, Asked>();
  readonly #stopListening: () => void;
  #lastId = 0;
  #role: Role = { is: "away" };
  #status: Status = { status: "connecting", username: null };
  #channel: Channel | null = null;
  #wanting = new AbortController();

  constructor(environment: Environment, policy: Policy, listener: Listener) {
    this.#environment = environment;
    this.#tab = environment.newName();
    this.#policy = policy;
    this.#listener = listener;
    const driver = () => (this.#role.is === "leader" ? this.#role.driver : null);
    this.#stopListening = environment.listen({
      wake: () => driver()?.wake(),
      look: () => driver()?.look(),
      freeze: () => this.#leave(),
      thaw: () => this.#join(),
    });
    this.#join();
  }

  get state(): State {
    return { ...this.#status, leader: this.#role.is === "leader" };
  }

  /** Never rejects. */
  execute(command: Command): Promise<Outcome> {
    return new Promise((settle) => {
      if (this.#status.status === "closed") return settle({ code: "closed" });
      if (this.#asked.size >= ASKED_LIMIT) return settle({ code: "queue_full" });
      this.#lastId += 1;
      this.#asked.set(this.#lastId, { command, settle });
      this.#ask(this.#lastId, command);
    });
  }

  close(): void {
    this.#stopListening();
    this.#leave();
    for (const id of [...this.#asked.keys()]) this.#settle(id, { code: "closed" });
    this.#become({ status: "closed" });
  }

  #join(): void {
    const { sharing } = this.#environment;
    this.#wanting = new AbortController();
    this.#role = { is: "follower", term: null };
    switch (sharing.with) {
      case "nobody":
        void this.#lead();
        return;
      case "copies":
        void this.#wantCopy(sharing);
        return;
      case "tabs":
        this.#channel = sharing.openChannel((note) => this.#hear(note as Note));
        this.#channel.post({ say: "join" } satisfies Note);
        void this.#want(sharing.requestLock, "leader");
        return;
    }
  }

  /** Leads as soon as nobody else does, unless that takes longer than this tab wants to wait. */
  async #want(requestLock: RequestLock, name: string, signal = this.#wanting.signal): Promise<void> {
    try {
      await requestLock(`${this.#environment.name}:${name}`, signal, () => this.#lead());
    } catch {
      // Given up; or there are locks that this page may not use.
      if (!signal.aborted) await this.#lead();
    }
  }

  /** A tab that was copied with its storage must not go on with the session of the one that it was copied from. */
  async #wantCopy({ requestLock, tab, renew }: Sharing & { with: "copies" }): Promise<void> {
    const wanting = this.#wanting;
    const patience = new AbortController();
    wanting.signal.onabort = this.#environment.setTimer(COPY_MS, () => patience.abort());
    await this.#want(requestLock, tab(), patience.signal);
    if (patience.signal.aborted && this.#role.is === "follower") await this.#want(requestLock, renew(), wanting.signal);
  }

  /** Drives the connection until this tab resigns. */
  #lead(): Promise<void> {
    if (this.#role.is === "away") return Promise.resolve();
    return new Promise((resign) => {
      const term = this.#environment.newName();
      const driver = new Driver(this.#environment, this.#policy, {
        status: (status) => {
          this.#post({ say: "lead", term, status });
          this.#become(status);
        },
        message: (data) => {
          this.#post({ say: "message", term, data });
          this.#listener.message(data);
        },
      });
      this.#role = { is: "leader", term, driver, resign };
      const { username = null }: { username?: string | null } = "username" in this.#status ? this.#status : {};
      const status: Status = { status: "connecting", username };
      this.#post({ say: "lead", term, status });
      this.#become(status);
      this.#askAgain();
    });
  }

  #leave(): void {
    const role = this.#role;
    this.#role = { is: "away" };
    this.#wanting.abort();
    if (role.is === "leader") {
      role.driver.stop();
      role.resign();
    }
    this.#channel?.close();
    this.#channel = null;
  }

  #hear(note: Note): void {
    const role = this.#role;
    switch (note.say) {
      case "join":
        if (role.is === "leader") this.#post({ say: "lead", term: role.term, status: this.#status });
        return;
      case "lead":
        if (role.is !== "follower") return;
        this.#role = { is: "follower", term: note.term };
        this.#become(note.status);
        if (role.term !== note.term) this.#askAgain();
        return;
      case "message":
        if (role.is === "follower") this.#listener.message(note.data);
        return;
      case "ask":
        if (role.is !== "leader" || role.term !== note.term) return;
        role.driver.execute(note.command, (outcome) => {
          // What a leader that resigned refuses for that reason, the next one will do.
          if (this.#role === role) this.#post({ say: "outcome", tab: note.tab, id: note.id, outcome });
        });
        return;
      case "outcome":
        if (note.tab === this.#tab) this.#settle(note.id, note.outcome);
        return;
    }
  }

  #ask(id: number, command: Command): void {
    const role = this.#role;
    if (role.is === "leader") {
      role.driver.execute(command, (outcome) => {
        if (this.#role === role) this.#settle(id, outcome);
      });
    } else if (role.is === "follower" && role.term !== null) {
      this.#post({ say: "ask", term: role.term, tab: this.#tab, id, command });
    }
  }

  #askAgain(): void {
    for (const [id, { command }] of this.#asked) this.#ask(id, command);
  }

  #settle(id: number, outcome: Outcome): void {
    this.#asked.get(id)?.settle(outcome);
    this.#asked.delete(id);
  }

  #post(note: Note): void {
    this.#channel?.post(note);
  }

  #become(status: Status): void {
    this.#status = status;
    this.#listener.state(this.state);
  }
}
