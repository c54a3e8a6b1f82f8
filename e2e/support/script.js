// The server's side of the WebSocket, played by a test: for what a real server does
// only on a bad day.

import { EventEmitter, once } from "node:events";
import { patience } from "./patience.js";

/** A token that the page can read, of a session that no server knows. */
export function grant(generation, session = "a-session") {
  const now = Math.floor(Date.now() / 1000);
  const claims = Buffer.from(JSON.stringify({ sub: "ada", gen: generation })).toString("base64url");
  return {
    token: `e30.${claims}.signature`,
    session,
    generation,
    refresh_at: now + 600,
    expires_at: now + 7200,
  };
}

/** What the page would have stored of a grant, where the session is bound to no key. */
export function kept(granted) {
  return { ...granted, username: "ada", bound: "attempt" };
}

export class Script extends EventEmitter {
  /** @type {Connection[]} */
  connections = [];
  /** Whether connections are closed before a word is said. */
  refuse = false;

  static async play(page) {
    const script = new Script();
    await page.routeWebSocket(/\/ws\/$/, (socket) => {
      const connection = new Connection(socket);
      script.connections.push(connection);
      if (script.refuse) connection.close(1013);
      else connection.send({ type: "Hello", protocol: "handfast.v1", nonce: "AAAA", heartbeat: 25 });
      script.emit("connection");
    });
    return script;
  }

  /** Waits for the page's connection of that number, counted from 1. */
  async connection(number) {
    while (this.connections.length < number) await once(this, "connection", patience());
    return this.connections[number - 1];
  }
}

class Connection extends EventEmitter {
  #socket;
  #received = [];

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.onMessage((frame) => {
      this.#received.push(JSON.parse(frame.slice(1)));
      this.emit("message");
    });
  }

  /** Waits for the next message of that type; the ones before it are dropped. */
  async next(type) {
    for (;;) {
      while (this.#received.length === 0) await once(this, "message", patience());
      const message = this.#received.shift();
      if (message.type === type) return message;
    }
  }

  /** Whether a message of that type has come that nobody looked at. */
  has(type) {
    return this.#received.some((message) => message.type === type);
  }

  send(message) {
    this.sendFrame(`@${JSON.stringify(message)}`);
  }

  sendFrame(frame) {
    this.#socket.send(frame);
  }

  answer({ id }, message) {
    this.send({ ...message, id });
  }

  close(code, reason = "") {
    return this.#socket.close({ code, reason });
  }
}
