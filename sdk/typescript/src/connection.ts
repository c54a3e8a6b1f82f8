// One WebSocket, as the driver sees it: what comes from it, what goes into it, and whether it still lives.

import type { Data } from "./commands.js";
import type { Environment, Socket } from "./environment.js";
import { readText, SUBPROTOCOL, writeApplication, writeMessage } from "./framing.js";
import { type Request, readMessage } from "./messages.js";
import { type Finding, Pulse } from "./pulse.js";
import type { Input, Outcome } from "./turn.js";

const OPEN = 1;
/** How much may lie in the socket before more is refused. */
const BUFFER_LIMIT_BYTES = 1 << 20;
/** Of the `Ping` that asks whether the connection lives. Any server answers it, be it that it knows none. */
const PULSE = "pulse";

export type Arrival = { readonly input: Input } | { readonly data: Data };

export class Connection {
  readonly #now: () => number;
  readonly #pulse: Pulse;
  readonly #socket: Socket;

  /** @throws whatever a WebSocket throws for this URL. */
  constructor(environment: Environment, attempt: string | null, arrive: (arrival: Arrival) => void) {
    this.#now = () => environment.now().ms;
    this.#pulse = new Pulse(this.#now());
    const url = new URL(environment.endpoint);
    if (attempt) url.searchParams.set("attempt", attempt);
    const socket = environment.openSocket(url);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      // What speaks another protocol here would do so the next time.
      const isHandfast = socket.protocol === SUBPROTOCOL;
      arrive({ input: isHandfast ? { do: "opened" } : { do: "closed", code: 1002 } });
    };
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      arrive({ input: { do: "closed", code, reason } });
    // A close follows, which says more.
    socket.onerror = () => {};
    socket.onmessage = ({ data }: { data: unknown }) => {
      this.#pulse.heard(this.#now());
      if (data instanceof ArrayBuffer) arrive({ data });
      else if (typeof data === "string") this.#read(data, arrive);
    };
  }

  get isOpen(): boolean {
    return this.#socket.readyState === OPEN;
  }

  send(request: Request): void {
    if (!this.isOpen) return;
    if (request.type !== "Ack") this.#pulse.expect(this.#now());
    this.#socket.send(writeMessage(JSON.stringify(request)));
  }

  /** Hands a frame of the application to the socket. */
  pass(data: Data): Outcome {
    if (this.#socket.bufferedAmount > BUFFER_LIMIT_BYTES) return { code: "queue_full" };
    this.#socket.send(typeof data === "string" ? writeApplication(data) : data);
    return { type: "send" };
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** When to call `tick`. */
  get deadline(): number {
    return this.#pulse.deadline;
  }

  /** Says whether the connection is dead. */
  tick(): boolean {
    return this.#isDead(this.#pulse.tick(this.#now()));
  }

  /** The same, where the machine may have slept. */
  wake(): boolean {
    return this.#isDead(this.#pulse.wake(this.#now()));
  }

  #isDead(finding: Finding): boolean {
    if (finding === "ping") this.send({ type: "Ping", id: PULSE });
    return finding === "dead";
  }

  #read(text: string, arrive: (arrival: Arrival) => void): void {
    const frame = readText(text);
    if ("application" in frame) return arrive({ data: frame.application });
    const message = readMessage(frame.message);
    if (!message) return;
    if (message.heartbeat) this.#pulse.beats(message.heartbeat);
    if (message.id === PULSE && message.type !== "Pong") this.#pulse.mute();
    arrive({ input: { do: "message", message } });
  }
}
