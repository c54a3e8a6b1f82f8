// A network between browser and server that a test can cut, byte by byte.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Where to cut what the server sends: before, inside or after one unit of it. */
export const PARTS = ["before", "inside", "after"];

export class Proxy {
  url;
  /** Whether nothing passes any more, without a word to either side. */
  #isCut = false;
  #cutting = null;
  #links = new Set();
  #server;

  static async to(url) {
    const proxy = new Proxy();
    const { hostname, port } = new URL(url);
    proxy.#server = createServer((client) => proxy.#link(client, connect(Number(port), hostname)));
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
    for (const link of this.#links) link.end();
  }

  /**
   * Breaks a WebSocket off at the next thing that the server sends with `text` in it: the head of its answer, or a
   * frame. Resolves when that has happened.
   */
  cutAt(text, part) {
    return new Promise((done) => {
      this.#cutting = { text, part, done };
    });
  }

  async dispose() {
    for (const link of this.#links) link.end();
    this.#server.close();
    await once(this.#server, "close");
  }

  #link(client, server) {
    const link = new Link(client, server, {
      isCut: () => this.#isCut,
      cuttingAt: (unit) => {
        const cutting = this.#cutting;
        if (!cutting || !unit.includes(cutting.text)) return null;
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
  #client;
  #server;
  #network;
  #isWebSocket = false;
  /** The beginning of a unit whose end has not come. */
  #left = Buffer.alloc(0);

  constructor(client, server, network) {
    this.#client = client;
    this.#server = server;
    this.#network = network;
    client.on("data", (bytes) => {
      this.#isWebSocket ||= /^upgrade: websocket/im.test(bytes.toString("latin1"));
      if (!network.isCut()) server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (!network.isCut()) this.#pass(bytes);
    });
    for (const side of [client, server]) {
      side.on("error", () => this.end());
      side.on("close", () => network.isCut() || this.end());
    }
  }

  end() {
    this.#client.destroy();
    this.#server.destroy();
  }

  #pass(bytes) {
    if (!this.#isWebSocket) return this.#client.write(bytes);
    this.#left = Buffer.concat([this.#left, bytes]);
    for (let length = unitLength(this.#left); length <= this.#left.length; length = unitLength(this.#left)) {
      const unit = this.#left.subarray(0, length);
      this.#left = this.#left.subarray(length);
      const cutting = this.#network.cuttingAt(unit);
      if (cutting) return this.#break(unit, cutting);
      this.#client.write(unit);
    }
  }

  #break(unit, { part, done }) {
    const passing = { before: 0, inside: unit.length >> 1, after: unit.length }[part];
    // What is written last has to be on its way before the connection goes.
    this.#client.write(unit.subarray(0, passing), () => {
      this.end();
      done();
    });
  }
}

/** How long the first unit is: the head of an HTTP answer, or one frame of a WebSocket (RFC 6455, section 5.2). */
function unitLength(bytes) {
  if (bytes.subarray(0, 5).toString("latin1") === "HTTP/") {
    const end = bytes.indexOf("\r\n\r\n");
    return end < 0 ? Number.POSITIVE_INFINITY : end + 4;
  }
  if (bytes.length < 2) return Number.POSITIVE_INFINITY;
  const short = bytes[1] & 0x7f;
  if (short < 126) return 2 + short;
  return bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt16BE(2);
}
