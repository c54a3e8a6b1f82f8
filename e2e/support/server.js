// The programs under test: one process on a free port, with a data folder of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { patience } from "./patience.js";

const built = (path) => fileURLToPath(new URL(`../../target/${path}`, import.meta.url));

/** What is shipped. */
const HANDFAST = {
  path: process.env.HANDFAST_BIN ?? built("release/handfast"),
  arguments: (address, data) => ["serve", "--listen", address, "--admin", "127.0.0.1:0", "--data", data],
  says: "stdout",
};

/** The library's example: a room where everyone hears what everyone says. It keeps its data where it is started. */
export const CHAT = {
  path: process.env.HANDFAST_CHAT ?? built("debug/examples/chat"),
  arguments: (address) => [address],
  says: "stderr",
};

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
  #program;
  #process;

  /** @param {Record<string, string>} settings as environment variables */
  static async start(settings = {}, program = HANDFAST) {
    const server = new Server();
    server.#program = program;
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

  /** Waits until it has written a line like that to stderr. */
  async logged(pattern) {
    const { stderr } = this.#process;
    while (!pattern.test(this.log)) await once(stderr, "data", patience());
  }

  async #end(signal) {
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    await ended;
  }

  async #run(address) {
    const { path, arguments: given, says } = this.#program;
    const started = spawn(path, given(address, this.#data), {
      cwd: this.#data,
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = started;
    running.add(started);
    started.on("exit", () => running.delete(started));
    started.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
    const lines = createInterface({ input: started[says] });
    this.url = await new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const url = /http:\/\/[^\s/]+/.exec(line)?.[0];
        if (url) resolve(`${url}/`);
      });
      lines.on("close", () => reject(new Error(`${path} ended before it was ready:\n${this.log}`)));
      started.on("error", reject);
    });
  }
}
