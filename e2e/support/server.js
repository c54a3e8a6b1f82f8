// The program under test: one process on a free port, with a data folder of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BINARY = process.env.HANDFAST_BIN ?? fileURLToPath(new URL("../../target/release/handfast", import.meta.url));

/** Twenty seconds of life, as short as the heartbeat and the pushes bear. */
export const SHORT_LIVED = {
  HANDFAST_TOKEN__LIFETIME: "20s",
  HANDFAST_TOKEN__REFRESH_AFTER: "12s",
  HANDFAST_HEARTBEAT__INTERVAL: "5s",
};

/** A push every few seconds, from tokens that last. */
export const PUSHING = {
  HANDFAST_TOKEN__LIFETIME: "5m",
  HANDFAST_TOKEN__REFRESH_AFTER: "3s",
  HANDFAST_HEARTBEAT__INTERVAL: "2s",
};

const running = new Set();
process.on("exit", () => {
  for (const left of running) left.kill("SIGKILL");
});

export class Server {
  url;
  /** Everything that it wrote to stderr. */
  log = "";
  #data;
  #environment;
  #process;

  /** @param {Record<string, string>} settings as environment variables */
  static async start(settings = {}) {
    const server = new Server();
    server.#environment = { PATH: process.env.PATH, HANDFAST_LOG__LEVEL: "debug", ...settings };
    server.#data = await mkdtemp(join(tmpdir(), "handfast-e2e-"));
    await server.#run("127.0.0.1:0");
    return server;
  }

  /** `kill -9`: no time to finish anything. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** Lets it drain and stop. */
  async stop() {
    await this.#end("SIGTERM");
  }

  /** Starts again with the same data on the same port. */
  async restart() {
    await this.#run(new URL(this.url).host);
  }

  async dispose() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
    await rm(this.#data, { recursive: true });
  }

  async #end(signal) {
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    await ended;
  }

  async #run(address) {
    const started = spawn(BINARY, ["serve", "--listen", address, "--data", this.#data], {
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = started;
    running.add(started);
    started.on("exit", () => running.delete(started));
    started.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
    const lines = createInterface({ input: started.stdout });
    this.url = await new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const url = /http:\/\/[^\s/]+/.exec(line)?.[0];
        if (url) resolve(`${url}/`);
      });
      lines.on("close", () => reject(new Error(`${BINARY} ended before it was ready:\n${this.log}`)));
      started.on("error", reject);
    });
  }
}
