// What the client takes from the browser, or from Node: clocks, dice, sockets, locks, channels, storage. Tests give
// their own.

import { toBase64Url } from "./base64url.js";
import { type Cookie, cookieOf } from "./cookie.js";
import { HandfastError } from "./errors.js";
import { SUBPROTOCOL } from "./framing.js";
import { indexedDbKeys, type KeyStore } from "./keys.js";
import { memoryStorage, type TokenStorage, webStorage } from "./storage.js";
import type { Time } from "./turn.js";

/** What this client needs of a WebSocket. Browsers' own and Node's are such, and so is that of the package `ws`. */
export interface Socket {
  binaryType: string;
  readonly protocol: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | ArrayBuffer): void;
  close(code?: number): void;
}

/** How the tabs of a browser talk to each other: what this client needs of a `BroadcastChannel`. */
export interface Channel {
  postMessage(note: unknown): void;
  close(): void;
}

/**
 * Holds a lock until `held` settles, or does without where the browser gives none. `signal` gives up waiting for it;
 * nothing comes of that.
 */
export type RequestLock = <T>(name: string, held: () => Promise<T>, signal?: AbortSignal) => Promise<T | undefined>;

/** What happens to a page. */
export interface Happenings {
  /** The machine, the page or the network may have been away. */
  wake(): void;
  /** Another tab changed the storage. */
  look(): void;
  /** The page goes, perhaps into the browser's cache, where nothing runs; and is there, or there again. */
  freeze(): void;
  thaw(): void;
}

export interface Environment {
  readonly endpoint: URL;
  readonly name: string;
  readonly storage: TokenStorage;
  readonly keys: KeyStore | undefined;
  readonly cookie: Cookie;
  time(): Time;
  /** 16 random bytes. */
  dice(): Uint8Array;
  /** A name that nothing had before. */
  newName(): string;
  /** Calls back after a while; gives what cancels it. */
  setTimer(ms: number, callback: () => void): () => void;
  /** Offers `handfast.v1`. */
  openSocket(url: URL): Socket;
  readonly requestLock: RequestLock;
  /** Where tabs share one connection. */
  readonly openChannel: ((hear: (note: unknown) => void) => Channel) | null;
  /** Where each tab has a session of its own, but may be a copy: the name that it shares with its copies, or a new one. */
  readonly copy: { name(): string; renew(): string } | null;
  /** Calls back; gives what ends that. */
  listen(happenings: Happenings): () => void;
}

export interface Options {
  /**
   * `"shared"`: all tabs share one session and one connection (`localStorage`). `"tab"`: each tab has a session of its
   * own (`sessionStorage`). Otherwise a place of the program's own. The default is `"shared"` in a page, and memory
   * where there is no such storage: in workers and Node.
   */
  readonly storage?: "shared" | "tab" | TokenStorage;
  /** As the server is configured: how the token comes to this client. The default is `"message"`. */
  readonly delivery?: "message" | "cookie";
  /**
   * Where the key of the session is kept; `false` binds sessions to no key. The default is IndexedDB, and no key where
   * there is none.
   */
  readonly keys?: KeyStore | false;
  /** Who replaces a token that grows old: the server by a push (the default), or this client. */
  readonly initiative?: "server" | "client";
  /** Subprotocols of the application, offered behind `handfast.v1`. */
  readonly protocols?: readonly string[];
  /** What opens connections. The default is the global `WebSocket`, which Node has from version 22 on. */
  readonly WebSocket?: new (
    url: string,
    protocols: string[],
  ) => Socket;
  /** Tells sessions of one page apart that go to the same endpoint. */
  readonly name?: string;
}

/** The browser, a worker, or Node. */
export function ambient(url: string | URL | undefined, options: Options): Environment {
  const { protocols = [], storage = "shared", WebSocket = globalThis.WebSocket } = options;
  const endpoint = endpointOf(url);
  const name = `handfast:${options.name ?? endpoint.host + endpoint.pathname}`;
  if (!WebSocket) throw new HandfastError("no_websocket");
  // A cookie is shared by all tabs, whatever they keep beside it.
  if (storage === "tab" && options.delivery === "cookie") throw new HandfastError("cookie_delivery");
  const area = areaOf(storage === "tab" ? "sessionStorage" : "localStorage");
  // Only secure contexts have locks, and what has locks has channels.
  const locks = globalThis.navigator?.locks;
  const requestLock: RequestLock = async (lock, held, signal) => {
    let running: ReturnType<typeof held> | undefined;
    await locks?.request(lock, { signal } as LockOptions, () => (running = held())).catch(() => {});
    // There are no locks, or none that this page may use, as where site data is blocked.
    if (!signal?.aborted) running ??= held();
    return running;
  };
  return {
    endpoint,
    name,
    storage: typeof storage !== "string" ? storage : area ? webStorage(area, name) : memoryStorage(),
    keys: keysOf(name, options),
    cookie: cookieOf(endpoint),
    requestLock,
    openChannel: area && locks && storage === "shared" ? channelOf(name) : null,
    copy: area && locks && storage === "tab" ? copyOf(name, area) : null,
    time: () => ({ ms: performance.now(), unixMs: Date.now() }),
    dice,
    newName,
    setTimer(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    openSocket: (to) => new WebSocket(to.href, [SUBPROTOCOL, ...protocols]),
    listen: (happenings) => listenTo(happenings, name),
  };
}

function listenTo({ wake, look, freeze, thaw }: Happenings, name: string): () => void {
  const { window, document } = globalThis;
  const stop = new AbortController();
  const on = (target: EventTarget | undefined, type: string, callback: (event: never) => void) =>
    target?.addEventListener(type, callback as EventListener, { signal: stop.signal });
  on(window, "online", wake);
  on(document, "resume", wake);
  on(document, "visibilitychange", () => document.hidden || wake());
  on(window, "storage", ({ key }: StorageEvent) => (key === null || key === name) && look());
  on(window, "pagehide", freeze);
  on(window, "pageshow", thaw);
  return () => stop.abort();
}

function dice(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(16));
}

/** Pages that are no secure context have no `randomUUID`. */
function newName(): string {
  return toBase64Url(dice());
}

function endpointOf(url: string | URL = "/ws/"): URL {
  const endpoint = new URL(url, globalThis.location?.href);
  endpoint.protocol = endpoint.protocol.replace("http", "ws");
  return endpoint;
}

function keysOf(name: string, { keys, delivery }: Options): KeyStore | undefined {
  if (keys === false || delivery === "cookie" || !globalThis.crypto?.subtle) return undefined;
  return keys ?? (globalThis.indexedDB && indexedDbKeys(indexedDB, name));
}

function channelOf(name: string): NonNullable<Environment["openChannel"]> {
  return (hear) => {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) => hear(data);
    return channel;
  };
}

function copyOf(name: string, area: Storage): NonNullable<Environment["copy"]> {
  const key = `${name}:tab`;
  const renew = () => {
    const tab = newName();
    area.removeItem(name);
    area.setItem(key, tab);
    return tab;
  };
  return { name: () => area.getItem(key) ?? renew(), renew };
}

/** Undefined where there is none, or where looking at it is forbidden. */
function areaOf(area: "localStorage" | "sessionStorage"): Storage | undefined {
  try {
    return globalThis.window?.[area];
  } catch {
    return undefined;
  }
}
