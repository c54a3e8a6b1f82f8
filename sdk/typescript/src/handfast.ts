import type { Command, Data } from "./commands.js";
import { ambient, type Environment, type Options } from "./environment.js";
import { granted } from "./errors.js";
import type { SessionEntry } from "./messages.js";
import type { State } from "./state.js";
import { joinTabs } from "./tabs.js";

export interface Events {
  /** The state changed. */
  state: State;
  /** The application behind the server sent a frame. Every tab of a shared session gets it. */
  message: Data;
}

/**
 * A session with a handfast server, and the connection that it lives on. It connects, resumes and reconnects by itself.
 * Requests that need a connection wait for it, for half a minute at the most, and are settled after about a minute of
 * running at the latest.
 */
export interface Handfast {
  /** How the session stands. The same object until that changes. */
  readonly state: State;

  /** Calls `listener` at every event from now on; gives what ends that. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;

  /**
   * Logs in. Where the server makes accounts on first login, `registered` says that it did.
   *
   * @throws {@link HandfastError} `invalid_password`, `too_many_requests`, `already_authorized`, …
   */
  login(username: string, password: string): Promise<{ registered: boolean }>;

  /**
   * Makes an account and logs in.
   *
   * @throws {@link HandfastError} `username_taken`, `registration_closed`, `password_too_short`, …
   */
  register(username: string, password: string): Promise<void>;

  /** Ends the session on the server, in all tabs; with `everywhere` all sessions of this user. */
  logout(options?: { everywhere?: boolean }): Promise<void>;

  /**
   * Sends a frame to the application. Resolves when it was handed to the connection, once, whichever tab holds that.
   * The promise may be left alone; nothing comes of a rejection that nobody looks at.
   */
  send(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): Promise<void>;

  /** The live sessions of this user, the last seen first. */
  sessions(): Promise<readonly SessionEntry[]>;

  /** Ends one session of this user. */
  revoke(session: string): Promise<void>;

  /** Changes the password and ends all other sessions of this user. */
  changePassword(oldPassword: string, newPassword: string): Promise<void>;

  /** Exchanges the token now; nobody needs to, it happens in time by itself. */
  refresh(): Promise<void>;

  /** Connects now: out of a wait, or where the client stays away (`stopped`). */
  connect(): Promise<void>;

  /** Leaves. The session is kept; another tab goes on with it, or the next start of this program. */
  close(): void;
}

/**
 * Connects to a handfast server, and goes on with the session that is kept.
 *
 * @param url of the endpoint; the default is `/ws/` on the page's own host. `http` and `https` are taken as `ws` and `wss`.
 * @throws {@link HandfastError} `no_websocket` where there is no global `WebSocket` and none is given.
 */
export function connect(url?: string | URL, options: Options = {}): Handfast {
  return handfast(ambient(url, options), options);
}

/** The same in any environment. */
export function handfast(environment: Environment, { initiative, delivery }: Options): Handfast {
  const listeners = { state: new Set<Listener>(), message: new Set<Listener>() };
  const policy = {
    isInCharge: initiative === "client",
    isByCookie: delivery === "cookie",
    canProve: !!environment.keys,
  };
  const tab = joinTabs(environment, policy, (name, event) => {
    for (const listener of [...listeners[name]]) call(listener, event);
  });
  const execute = async (command: Command) => granted(await tab.execute(command));
  const tell = async (command: Command): Promise<void> => void (await execute(command));

  return {
    get state() {
      return tab.state();
    },
    on(name, listener) {
      listeners[name].add(listener as Listener);
      return () => {
        listeners[name].delete(listener as Listener);
      };
    },
    async login(username, password) {
      const { type } = await execute({ do: "login", wish: { type: "Login", username, password } });
      return { registered: type === "Registered" };
    },
    register: (username, password) => tell({ do: "login", wish: { type: "Register", username, password } }),
    logout: ({ everywhere = false } = {}) => tell({ do: "logout", wish: { type: "Logout", everywhere } }),
    send(data) {
      const sent = tell({ do: "send", data: frame(data) });
      sent.catch(() => {});
      return sent;
    },
    sessions: async () => (await execute({ do: "ask", wish: { type: "Sessions" } })).sessions ?? [],
    revoke: (session) => tell({ do: "ask", wish: { type: "Revoke", session } }),
    changePassword: (old_password, new_password) =>
      tell({ do: "ask", wish: { type: "ChangePassword", old_password, new_password } }),
    refresh: () => tell({ do: "refresh" }),
    connect: () => tell({ do: "connect" }),
    close: tab.close,
  };
}

type Listener = (event: unknown) => void;

/** A listener that throws is its program's fault, and stops nobody else. */
function call(listener: Listener, event: unknown): void {
  try {
    listener(event);
  } catch (error) {
    // biome-ignore lint/suspicious/noConsole: Node has nothing else, and throwing would end the program.
    (globalThis.reportError ?? console.error)(error);
  }
}

/** A copy of its own, so that what the program does to its buffer later changes nothing. */
function frame(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): Data {
  if (!ArrayBuffer.isView(data)) return data.slice(0);
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
}
