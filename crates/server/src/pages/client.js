// The client's side of `handfast.v1`: one connection, the session bound to it, and
// what each answer and close code asks for.

import * as store from "./store.js";

const PROTOCOL = "handfast.v1";
const ANSWER_TIMEOUT_MS = 10_000;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 30_000;

/** Close codes after which a client stays away until a person asks. */
const STAY = new Set([1000, 1002, 1003, 1007, 1009, 4400]);
const BROKEN = 1006;
const NOT_AUTHENTICATED_IN_TIME = 4401;
const REVOKED = 4403;
const SUPERSEDED = 4409;
const EXPIRED = 4410;

/**
 * @typedef {{name: "connecting"}
 *   | {name: "open"}                       connected, not authenticated
 *   | {name: "bound"}                      connected, owner of the stored session
 *   | {name: "waiting", until: number}     will connect again at that time (ms)
 *   | {name: "idle"}                       connects when somebody logs in
 *   | {name: "superseded"}                 another tab has the session
 *   | {name: "stopped", code: number}      must not connect again by itself
 * } State
 */

/** The connection was lost before the answer came; what was asked may have been done. */
export class ConnectionLost extends Error {}

/** Tells what happens in `state` events and, for people, in `note` events. */
export class Client extends EventTarget {
  /** @type {State} */
  state = { name: "idle" };
  /** Seconds between two heartbeats of the server. */
  heartbeat = 25;

  #url;
  /** @type {WebSocket | null} Answers from any other socket are ignored. */
  #socket = null;
  #session = "";
  #requests = new Map();
  #lastId = 0;
  #failures = 0;
  #reconnectAfterMs = 0;
  #timer;

  constructor(url) {
    super();
    this.#url = url;
    store.onOtherTab({
      loggedIn: () => this.#loggedInElsewhere(),
      loggedOut: () => this.#loggedOutElsewhere(),
    });
    addEventListener("online", () => this.state.name === "waiting" && this.connect());
  }

  /** Connects, leaving a connection that there may be; presents a stored token. */
  connect() {
    this.#abandon();
    this.#become({ name: "connecting" });
    const socket = new WebSocket(this.#url, PROTOCOL);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#closed(BROKEN), ANSWER_TIMEOUT_MS);
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#receive(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#closed(code, reason);
    };
  }

  /**
   * @param {"Login" | "Register"} type
   * @returns the answer; `Success` and `Registered` have been stored
   */
  async login(type, username, password) {
    await this.#opened();
    const answer = await this.request({ type, username, password });
    if (answer.type === "Success" || answer.type === "Registered") {
      await this.#bind(answer, answer.type === "Registered" ? "registered" : "loggedIn");
    }
    return answer;
  }

  /** Exchanges the token now, without waiting for the heartbeat. */
  refresh() {
    return this.#present(store.attemptKey, "refreshed");
  }

  async logout(everywhere) {
    const session = this.#session;
    const answer = await this.request({ type: "Logout", everywhere });
    if (answer.type === "LoggedOut" || answer.type === "NotLoggedIn") {
      await this.#unbind(session, everywhere ? "loggedOutEverywhere" : "loggedOut");
    }
    return answer;
  }

  /** Sends a message and resolves with its answer; rejects when the connection is lost. */
  request(message) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#closed(BROKEN), ANSWER_TIMEOUT_MS);
      const settle = (outcome, value) => {
        clearTimeout(timer);
        this.#requests.delete(id);
        outcome(value);
      };
      this.#requests.set(id, {
        resolve: (answer) => settle(resolve, answer),
        reject: () => settle(reject, new ConnectionLost()),
      });
      if (!this.#send({ ...message, id })) this.#requests.get(id).reject();
    });
  }

  #send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(`@${JSON.stringify(message)}`);
    return true;
  }

  #receive(frame) {
    // Everything without exactly one `@` in front belongs to the application.
    if (typeof frame !== "string" || !frame.startsWith("@") || frame.startsWith("@@")) return;
    const message = JSON.parse(frame.slice(1));
    const request = this.#requests.get(message.id);
    if (request) {
      request.resolve(message);
    } else if (message.type === "Hello") {
      this.#hello(message);
    } else if (message.type === "Success") {
      this.#bind(message, "pushed");
    } else if (message.type === "Closing") {
      this.#reconnectAfterMs = message.reconnect_after * 1000;
    }
  }

  #hello({ heartbeat }) {
    clearTimeout(this.#timer);
    this.heartbeat = heartbeat;
    this.#become({ name: "open" });
    if (store.stored()) this.#resume();
  }

  async #resume() {
    try {
      await this.#present(store.attemptKey, "resumed");
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
  }

  /** Presents the stored token on the current connection. */
  async #present(attemptKey, done) {
    const socket = this.#socket;
    const held = store.stored();
    if (!held) return;
    this.#session = held.session;
    const attempt = await attemptKey(held);
    if (socket !== this.#socket) return;
    const answer = await this.request({ type: "RefreshToken", token: held.token, attempt });
    switch (answer.type) {
      case "Success":
        await this.#bind(answer, done);
        break;
      case "InvalidToken":
        await this.#refused(answer.reason, held, attemptKey, done);
        break;
      case "TooManyRequests":
      case "Unavailable":
        this.#note("limited", { retry_after: answer.retry_after });
        if (this.state.name === "bound") break;
        this.#timer = setTimeout(() => this.#resume(), answer.retry_after * 1000);
        break;
      default:
        this.#abandon();
        this.#become({ name: "stopped", code: 4400 });
    }
  }

  async #refused(reason, held, attemptKey, done) {
    if (reason === "stale") {
      const now = store.stored();
      const moved = now?.session !== held.session || now.generation > held.generation;
      if (moved) return this.#present(store.attemptKey, done);
      // Somebody is ahead of the newest token that we have. Saying so under a new
      // attempt key ends the session for both.
      const first = attemptKey !== store.anotherAttemptKey;
      if (first) return this.#present(store.anotherAttemptKey, done);
    }
    await this.#unbind(held.session, "ended", { reason });
  }

  async #bind(answer, how) {
    const socket = this.#socket;
    this.#session = answer.session;
    const begun = how === "registered" || how === "loggedIn";
    const order = await (begun ? store.storeLogin(answer) : store.storeNext(answer));
    if (socket !== this.#socket) return;
    if (order !== "older") this.#send({ type: "Ack", generation: answer.generation });
    this.#failures = 0;
    this.#become({ name: "bound" });
    const repeated = how === "pushed" && order !== "newer";
    if (!repeated) this.#note(how, { generation: answer.generation });
  }

  async #unbind(session, why, detail) {
    const socket = this.#socket;
    this.#session = "";
    await store.forget(session);
    if (socket === this.#socket) this.#become({ name: "open" });
    this.#note(why, detail);
  }

  async #closed(code, reason) {
    const session = this.#session;
    this.#abandon();
    if (code === SUPERSEDED) {
      this.#become({ name: "superseded" });
      this.#note("superseded");
    } else if (code === REVOKED || code === EXPIRED) {
      await store.forget(session);
      this.#become({ name: "idle" });
      this.#note("ended", { reason: code === EXPIRED ? "expired" : reason });
    } else if (code === NOT_AUTHENTICATED_IN_TIME && !store.stored()) {
      this.#become({ name: "idle" });
    } else if (STAY.has(code)) {
      this.#become({ name: "stopped", code });
      this.#note("stopped", { code });
    } else {
      // Said once, not for every try to connect that follows.
      if (this.state.name !== "connecting") this.#note("lost", { code });
      this.#wait();
    }
  }

  /** Full jitter: a server that comes back is not met by everybody at once. */
  #wait() {
    const ceiling = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** this.#failures);
    const delay = this.#reconnectAfterMs + Math.random() * ceiling;
    this.#reconnectAfterMs = 0;
    this.#failures += 1;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#become({ name: "waiting", until: Date.now() + delay });
  }

  #abandon() {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#socket = null;
    this.#session = "";
    socket?.close();
    for (const request of this.#requests.values()) request.reject();
  }

  /** Resolves on a connection that takes a login. */
  #opened() {
    if (this.state.name === "open") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (this.state.name === "connecting") return;
        this.removeEventListener("state", settle);
        if (this.state.name === "open") resolve();
        else reject(new ConnectionLost());
      };
      this.addEventListener("state", settle);
      if (this.state.name !== "connecting") this.connect();
    });
  }

  #loggedInElsewhere() {
    if (this.state.name !== "open" && this.state.name !== "idle") return;
    this.#abandon();
    this.#become({ name: "superseded" });
  }

  #loggedOutElsewhere() {
    if (this.state.name !== "superseded") return;
    this.#become({ name: "idle" });
    this.#note("loggedOutElsewhere");
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #note(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent("note", { detail: { kind, ...detail } }));
  }
}
