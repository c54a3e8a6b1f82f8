import type { Command, Data } from "./commands.js";
import { ambient, type Environment, type Options } from "./environment.js";
import { granted } from "./errors.js";
import type { Question, SessionEntry } from "./messages.js";
import type { State } from "./state.js";
import { joinTabs, type Tab } from "./tabs.js";

export interface Events {
  /** The state changed. */
  state: State;
  /** The application behind the server sent a frame. Every tab of a shared session gets it. */
  message: Data;
}

type Listeners = { readonly [Name in keyof Events]: Set<(event: Events[Name]) => void> };

/**
 * A session with a handfast server, and the connection that it lives on. It connects, resumes and reconnects by itself.
 * Requests that need a connection wait for it, for half a minute at the most.
 */
export class Handfast {
  readonly #tab: Tab;
  readonly #listeners: Listeners = { state: new Set(), message: new Set() };
  #state: State;

  /** @internal Programs call {@link connect}. */
  constructor(environment: Environment, { initiative = "server", delivery = "message" }: Options = {}) {
    const policy = { initiative, delivery, canProve: environment.keys !== null };
    this.#state = { status: "connecting", username: null, leader: false };
    this.#tab = joinTabs(environment, policy, {
      state: (state) => {
        this.#state = state;
        this.#tell("state", state);
      },
      message: (data) => this.#tell("message", data),
    });
  }

  /** How the session stands. The same object until that changes. */
  get state(): State {
    return this.#state;
  }

  /** Calls `listener` at every event from now on; gives what ends that. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    this.#listeners[name].add(listener);
    return () => {
      this.#listeners[name].delete(listener);
    };
  }

  /**
   * Logs in. Where the server makes accounts on first login, `registered` says that it did.
   *
   * @throws {@link HandfastError} `invalid_password`, `too_many_requests`, `already_authorized`, …
   */
  async login(username: string, password: string): Promise<{ registered: boolean }> {
    const { type } = await this.#do({ do: "login", username, password, register: false });
    return { registered: type === "Registered" };
  }

  /**
   * Makes an account and logs in.
   *
   * @throws {@link HandfastError} `username_taken`, `registration_closed`, `password_too_short`, …
   */
  async register(username: string, password: string): Promise<void> {
    await this.#do({ do: "login", username, password, register: true });
  }

  /** Ends the session on the server, in all tabs; with `everywhere` all sessions of this user. */
  async logout({ everywhere = false }: { everywhere?: boolean } = {}): Promise<void> {
    await this.#do({ do: "logout", everywhere });
  }

  /**
   * Sends a frame to the application. Resolves when it was handed to the connection, once, whichever tab holds that.
   * The promise may be left alone; nothing comes of a rejection that nobody looks at.
   */
  send(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): Promise<void> {
    const sent = this.#do({ do: "send", data: frame(data) }).then(() => {});
    sent.catch(() => {});
    return sent;
  }

  /** The live sessions of this user, the last seen first. */
  async sessions(): Promise<readonly SessionEntry[]> {
    const { sessions = [] } = await this.#ask({ type: "Sessions" });
    return sessions;
  }

  /** Ends one session of this user. */
  async revoke(session: string): Promise<void> {
    await this.#ask({ type: "Revoke", session });
  }

  /** Changes the password and ends all other sessions of this user. */
  async changePassword(oldPassword: string, newPassword: string): Promise<void> {
    await this.#ask({ type: "ChangePassword", old_password: oldPassword, new_password: newPassword });
  }

  /** Exchanges the token now; nobody needs to, it happens in time by itself. */
  async refresh(): Promise<void> {
    await this.#do({ do: "refresh" });
  }

  /** Connects now: out of a wait, or where the client stays away (`stopped`). */
  async connect(): Promise<void> {
    await this.#do({ do: "connect" });
  }

  /** Leaves. The session is kept; another tab goes on with it, or the next start of this program. */
  close(): void {
    this.#tab.close();
  }

  #ask(question: Question) {
    return this.#do({ do: "question", question });
  }

  async #do(command: Command) {
    return granted(await this.#tab.execute(command));
  }

  /** A listener that throws is its program's fault, and stops nobody else. */
  #tell<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...this.#listeners[name]]) {
      try {
        listener(event);
      } catch (error) {
        report(error);
      }
    }
  }
}

/**
 * Connects to a handfast server, and goes on with the session that is kept.
 *
 * @param url of the endpoint; the default is `/ws/` on the page's own host. `http` and `https` are taken as `ws` and `wss`.
 * @throws {@link HandfastError} `no_websocket` where there is no global `WebSocket` and none is given.
 */
export function connect(url?: string | URL, options: Options = {}): Handfast {
  return new Handfast(ambient(url, options), options);
}

/** A copy of its own, so that what the program does to its buffer later changes nothing. */
function frame(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): Data {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return data.slice(0);
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
}

function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  // biome-ignore lint/suspicious/noConsole: Node has nothing else, and throwing would end the program.
  else console.error(error);
}
