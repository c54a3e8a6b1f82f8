// A browser with any number of tabs, and a server, on a clock that the test turns. Nothing here waits.

import type { Environment, Options, RequestLock, Socket } from "../../src/environment.js";
import { type Handfast, handfast } from "../../src/handfast.js";
import type { KeyStore } from "../../src/keys.js";
import type { TokenStorage } from "../../src/storage.js";

export const ENDPOINT = new URL("ws://chat.example/ws/");
const START_UNIX_MS = 1_767_225_600_000;

type Message = Record<string, unknown> & { type: string };

/** Lets everything that does not wait for time or for the server be done. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** One connection, as the server has it. */
export class FakeSocket implements Socket {
  binaryType = "";
  protocol = "";
  readyState = 0;
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  /** What the client sent and the test has not looked at. */
  readonly sent: (string | ArrayBuffer)[] = [];
  closedWith: number | undefined;
  /** A network that swallows everything. */
  isCut = false;

  constructor(
    readonly url: URL,
    readonly tab: Tab,
  ) {}

  send(data: string | ArrayBuffer): void {
    if (!this.isCut) this.sent.push(data);
  }

  close(code?: number): void {
    this.readyState = 3;
    this.closedWith ??= code ?? 1005;
  }

  open(protocol = "handfast.v1"): void {
    this.readyState = 1;
    this.protocol = protocol;
    this.onopen?.({} as never);
  }

  receive(data: string | ArrayBuffer): void {
    this.onmessage?.({ data } as never);
  }

  say(message: Message): void {
    this.receive(`@${JSON.stringify(message)}`);
  }

  breakOff(code = 1006, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason } as never);
  }

  /** Takes the next message of `type` out of what was sent. */
  take(type: string): Message & { id: number } {
    const texts = this.sent.map((frame) =>
      typeof frame === "string" && frame.startsWith("@{") ? frame.slice(1) : "{}",
    );
    const index = texts.findIndex((text) => JSON.parse(text).type === type);
    if (index < 0) throw new Error(`no ${type} among ${JSON.stringify(this.sent)}`);
    this.sent.splice(index, 1);
    return JSON.parse(texts[index] ?? "");
  }

  has(type: string): boolean {
    return this.sent.some((frame) => typeof frame === "string" && frame.includes(`"type":"${type}"`));
  }

  /** Frames of the application. */
  get frames(): (string | ArrayBuffer)[] {
    return this.sent.filter((frame) => typeof frame !== "string" || !frame.startsWith("@{"));
  }
}

type Timer = { at: number; callback: () => void };

export class Tab {
  readonly timers = new Set<Timer>();
  readonly locks = new Set<() => void>();
  readonly channels = new Set<(note: unknown) => void>();
  happenings: Parameters<Environment["listen"]>[0] | null = null;
  isGone = false;
  readonly area = new Map<string, string>();

  constructor(readonly world: World) {}

  /** As a crash does it: nothing of the tab runs any more, and its locks are free. */
  crash(): void {
    this.hang();
    for (const free of this.locks) free();
  }

  /** As an open dialog does it: nothing of the tab runs, but what it holds it holds. */
  hang(): void {
    this.isGone = true;
    this.timers.clear();
    this.channels.clear();
    for (const socket of this.world.sockets)
      if (socket.tab === this) socket.onmessage = socket.onclose = socket.onopen = null;
  }
}

export class World {
  ms = 0;
  unixMs = START_UNIX_MS;
  readonly tabs: Tab[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly posted: unknown[] = [];
  storage = memory();
  /** What whoever wants the storage waits for. */
  storageFree: Promise<void> = Promise.resolve();
  keys: KeyStore | undefined;
  cookie = { exchange: async (_ticket: string) => true, clear: async () => true };
  /** Half of every wait. */
  dice = Uint8Array.of(0x80, ...new Uint8Array(15));
  sharing: "nobody" | "tabs" | "copies" = "nobody";
  readonly #locks = new Map<string, (() => void)[]>();
  #names = 0;

  /** Opens a tab with a client in it. */
  open(options: Options = {}, tab = new Tab(this)): { client: Handfast; tab: Tab } {
    this.tabs.push(tab);
    return { client: handfast(this.#environment(tab), options), tab };
  }

  /** The newest connection. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no connection was made");
    return socket;
  }

  /** Turns the clock, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.ms + ms;
    for (;;) {
      await settled();
      const next = this.tabs
        .flatMap((tab) => [...tab.timers].map((timer) => ({ tab, timer })))
        .filter(({ timer }) => timer.at <= end)
        .sort((a, b) => a.timer.at - b.timer.at)[0];
      if (!next) break;
      const step = Math.max(0, next.timer.at - this.ms);
      this.ms += step;
      this.unixMs += step;
      next.tab.timers.delete(next.timer);
      next.timer.callback();
    }
    this.unixMs += end - this.ms;
    this.ms = end;
    await settled();
  }

  /** Has whoever wants the storage wait until the test calls what this gives. */
  holdStorage(): () => void {
    let free = () => {};
    this.storageFree = new Promise((resolve) => {
      free = resolve;
    });
    return free;
  }

  /** The lid is closed: the wall clock goes on, and nothing else. */
  sleep(ms: number): void {
    this.unixMs += ms;
  }

  #environment(tab: Tab): Environment {
    return {
      endpoint: ENDPOINT,
      name: "handfast:test",
      ...this.#sharing(tab),
      storage: this.storage,
      keys: this.keys,
      cookie: async (ticket) => {
        if (ticket === undefined) return false;
        return ticket === null ? this.cookie.clear() : this.cookie.exchange(ticket);
      },
      time: () => ({ ms: this.ms, unixMs: this.unixMs }),
      dice: () => this.dice,
      newName: () => {
        this.#names += 1;
        return `name-${this.#names}`;
      },
      setTimer: (ms, callback) => {
        const timer = { at: this.ms + ms, callback };
        if (!tab.isGone) tab.timers.add(timer);
        return () => tab.timers.delete(timer);
      },
      openSocket: (url) => {
        const socket = new FakeSocket(url, tab);
        if (!tab.isGone) this.sockets.push(socket);
        return socket;
      },
      listen: (happenings) => {
        tab.happenings = happenings;
        return () => {
          tab.happenings = null;
        };
      },
    };
  }

  #sharing(tab: Tab): Pick<Environment, "requestLock" | "openChannel" | "copy"> {
    const requestLock: RequestLock = async (name, held, signal) => {
      if (!name.endsWith(":storage")) return this.#lock(tab, name, held, signal);
      await this.storageFree;
      return held();
    };
    if (this.sharing === "nobody") return { requestLock, openChannel: null, copy: null };
    if (this.sharing === "copies") {
      const renew = () => {
        this.#names += 1;
        const id = `tab-${this.#names}`;
        tab.area.clear();
        tab.area.set("tab", id);
        return id;
      };
      return { requestLock, openChannel: null, copy: { name: () => tab.area.get("tab") ?? renew(), renew } };
    }
    return {
      requestLock,
      copy: null,
      openChannel: (hear) => {
        tab.channels.add(hear);
        return {
          postMessage: (note) => {
            if (tab.isGone) return;
            this.posted.push(note);
            const copy = structuredClone(note);
            for (const other of this.tabs)
              for (const ear of other.channels)
                if (ear !== hear) setImmediate(() => other.channels.has(ear) && ear(copy));
          },
          close: () => tab.channels.delete(hear),
        };
      },
    };
  }

  async #lock<T>(tab: Tab, name: string, held: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    const queue = this.#locks.get(name) ?? [];
    this.#locks.set(name, queue);
    const isGranted = await new Promise((resolve) => {
      const grant = () => resolve(true);
      queue.push(grant);
      if (queue[0] === grant) grant();
      signal?.addEventListener("abort", () => {
        if (queue[0] === grant) return;
        queue.splice(queue.indexOf(grant), 1);
        resolve(false);
      });
    });
    if (!isGranted) return undefined;
    const mine = queue[0];
    const free = () => {
      if (queue[0] !== mine) return;
      queue.shift();
      queue[0]?.();
    };
    if (tab.isGone) {
      free();
      return new Promise(() => {});
    }
    tab.locks.add(free);
    return await held().finally(free);
  }
}

/** What lies in it can be looked at, and it can be told to fail. */
export function memory(): TokenStorage & { text: string | null; fails: "never" | "writing" | "always" } {
  return {
    text: null,
    fails: "never",
    read() {
      if (this.fails === "always") throw new Error("blocked");
      return this.text;
    },
    write(text) {
      if (this.fails !== "never" && text !== null) throw new Error("full");
      if (this.fails === "always") throw new Error("blocked");
      this.text = text;
    },
  };
}

export function success(generation: number, id?: number, session = "session-S"): Message {
  const token = `${session}/${generation}`;
  const granted = { type: "Success", token, session, generation, expires_at: 1767830400, refresh_at: 1767226200 };
  return id === undefined ? granted : { ...granted, id };
}

export const HELLO: Message = {
  type: "Hello",
  protocol: "handfast.v1",
  nonce: "3q2-7wAAAAAAAAAAAAAAAQ",
  heartbeat: 25,
};

/** Opens the newest connection and logs in on it. */
export async function logIn(world: World, client: Handfast): Promise<void> {
  await settled();
  world.socket.open();
  world.socket.say(HELLO);
  const login = client.login("ann", "secret");
  await settled();
  world.socket.say(success(0, world.socket.take("Login").id));
  await login;
}

/** Logs in where there is no connection. */
export async function logInAnew(world: World, client: Handfast): Promise<void> {
  const login = client.login("ann", "secret");
  await settled();
  world.socket.open();
  world.socket.say(HELLO);
  await settled();
  world.socket.say(success(0, world.socket.take("Login").id));
  await login;
}

/** Opens the newest connection and grants what is presented on it. */
export async function resume(world: World, generation: number): Promise<Message> {
  await settled();
  world.socket.open();
  world.socket.say(HELLO);
  await settled();
  const presented = world.socket.take("RefreshToken");
  world.socket.say(success(generation, presented.id));
  await settled();
  return presented;
}
