// A network between browser and server that a test can cut, byte by byte.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { textOf, unitLength } from "./units.js";

/** Where to cut: before, inside or after one unit of what is sent. */
export const PARTS = ["before", "inside", "after"];

export class Proxy {
  url;
  /** Whether nothing passes any more, without a word to either side. */
  #isCut = false;
  /** Whether new connections are refused. */
  #isClosed = false;
  #cutting = null;
  #links = new Set();
  #server;

  static async to(url) {
    const proxy = new Proxy();
    const { hostname, port } = new URL(url);
    proxy.#server = createServer((client) => {
      if (proxy.#isClosed) client.destroy();
      else proxy.#link(client, connect(Number(port), hostname));
    });
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}/`;
    return proxy;
  }

  /** From now on nothing passes, as when a cable is pulled. */
  cut() {
    this.#isCut = true;
  }

  /** New connections pass again; those of before are gone. */
  mend() {
    this.#isCut = false;
    this.#endAll();
  }

  /** New connections pass again; those of before stay silent, and neither side is told. */
  replace() {
    this.#isCut = false;
    for (const link of this.#links) link.isSilent = true;
  }

  /** Ends all connections and refuses new ones, as when nobody listens. */
  close() {
    this.#isClosed = true;
    this.#endAll();
  }

  /** Takes connections again. */
  open() {
    this.#isClosed = false;
  }

  /**
   * Breaks a connection off at the next thing with `text` in it that `from`, the client or the server, sends: an HTTP
   * message, or a frame of a WebSocket. Resolves when that has happened.
   */
  cutAt(text, part, from = "server") {
    return new Promise((done) => {
      this.#cutting = { text, part, from, done };
    });
  }

  async dispose() {
    this.#endAll();
    this.#server.close();
    await once(this.#server, "close");
  }

  #endAll() {
    for (const link of this.#links) link.end();
  }

  #link(client, server) {
    const link = new Link(client, server, {
      isCut: () => this.#isCut,
      cuttingAt: (from, unit, isFrame) => {
        const cutting = this.#cutting;
        if (cutting?.from !== from || !textOf(unit, isFrame).includes(cutting.text)) return null;
        this.#cutting = null;
        return cutting;
      },
    });
    this.#links.add(link);
    client.on("close", () => this.#links.delete(link));
  }
}

/** One connection, from the browser's end to the server's. */
class Link {
  isSilent = false;
  #client;
  #server;
  #network;
  /** The beginning of a unit whose end has not come, of either side. */
  #left = { client: Buffer.alloc(0), server: Buffer.alloc(0) };
  /** Whether either side has gone over to frames. */
  #speaksFrames = { client: false, server: false };

  constructor(client, server, network) {
    this.#client = client;
    this.#server = server;
    this.#network = network;
    client.on("data", (bytes) => this.#isPassing() && this.#pass("client", bytes, server));
    server.on("data", (bytes) => this.#isPassing() && this.#pass("server", bytes, client));
    for (const side of [client, server]) {
      side.on("error", () => this.end());
      side.on("close", () => this.#isPassing() && this.end());
    }
  }

  end() {
    this.#client.destroy();
    this.#server.destroy();
  }

  #isPassing() {
    return !this.#network.isCut() && !this.isSilent;
  }

  #pass(from, bytes, to) {
    this.#left[from] = Buffer.concat([this.#left[from], bytes]);
    for (;;) {
      const left = this.#left[from];
      const isFrame = this.#speaksFrames[from];
      const length = unitLength(left, isFrame);
      if (length > left.length) return;
      const unit = left.subarray(0, length);
      this.#left[from] = left.subarray(length);
      this.#speaksFrames[from] ||= /^upgrade: websocket/im.test(unit.toString("latin1"));
      const cutting = this.#network.cuttingAt(from, unit, isFrame);
      if (cutting) return this.#break(unit, to, cutting);
      to.write(unit);
    }
  }

  #break(unit, to, { part, done }) {
    this.isSilent = true;
    const passing = { before: 0, inside: unit.length >> 1, after: unit.length }[part];
    // What is written last has to be on its way before the connection goes.
    to.write(unit.subarray(0, passing), () => {
      this.end();
      done();
    });
  }
}
