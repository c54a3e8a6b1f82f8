// One WebSocket, as the driver sees it: what comes from it, what goes into it, and whether it still lives.
//
// A script in a browser sees none of the server's pings, so it asks by itself: when nothing came for a whole heartbeat
// and its timeout, when an answer is overdue, and when the machine woke up.

import type { Data } from "./commands.js";
import type { Environment } from "./environment.js";
import { readText, SUBPROTOCOL, writeApplication, writeMessage } from "./framing.js";
import { type Request, readMessage } from "./messages.js";
import type { Input, Outcome } from "./turn.js";

const OPEN = 1;
/** How much may lie in the socket before more is refused. */
const BUFFER_LIMIT_BYTES = 1 << 20;
/** Of the `Ping` that asks whether the connection lives. */
const PULSE = "pulse";
/** Beyond the heartbeat, before a silent server is asked; and how long it may take to answer that. */
const TIMEOUT_MS = 10_000;
/** What the server says otherwise in its `Hello`. */
const HEARTBEAT_MS = 25_000;
/** How long a server may take for an answer; it decides within 10 s. */
const ANSWER_MS = 15_000;
/** How long an answer may take that somebody waits for who just opened the lid. */
const WAKE_ANSWER_MS = 3_000;

export type Arrival = { readonly input: Input } | { readonly data: Data };

export interface Connection {
  isOpen(): boolean;
  send(request: Request): void;
  /** Hands a frame of the application to the socket. */
  pass(data: Data): Outcome;
  close(): void;
  /** When to call `tick`. */
  deadline(): number;
  /** Says whether the connection is dead. */
  tick(): boolean;
  /** The same, where the machine may have slept. */
  wake(): boolean;
}

/** @throws whatever a WebSocket throws for this URL. */
export function openConnection(
  environment: Environment,
  attempt: string | null,
  arrive: (arrival: Arrival) => void,
): Connection {
  const now = () => environment.time().ms;
  const url = new URL(environment.endpoint);
  if (attempt) url.searchParams.set("attempt", attempt);
  const socket = environment.openSocket(url);
  let quietMs = HEARTBEAT_MS + TIMEOUT_MS;
  let heardAt = now();
  let expectBy: number | null = heardAt + ANSWER_MS;

  socket.binaryType = "arraybuffer";
  // What speaks another protocol here would do so the next time.
  socket.onopen = () =>
    arrive({ input: socket.protocol === SUBPROTOCOL ? { do: "opened" } : { do: "closed", code: 1002 } });
  socket.onclose = ({ code, reason }: CloseEvent) => arrive({ input: { do: "closed", code, reason } });
  // A close follows, which says more.
  socket.onerror = () => {};
  socket.onmessage = ({ data }: MessageEvent) => {
    heardAt = now();
    expectBy = null;
    const frame = typeof data === "string" ? readText(data) : { application: data };
    if ("application" in frame) return arrive({ data: frame.application });
    const message = readMessage(frame.message);
    if (!message) return;
    if (message.heartbeat) quietMs = message.heartbeat * 1000 + TIMEOUT_MS;
    arrive({ input: { do: "message", message } });
  };

  const deadline = () => expectBy ?? heardAt + quietMs;
  const tick = () => now() >= deadline() && (expectBy !== null || ping(TIMEOUT_MS));

  const isOpen = () => socket.readyState === OPEN;

  function send(request: Request): void {
    if (!isOpen()) return;
    if (request.type !== "Ack") expectBy ??= now() + ANSWER_MS;
    socket.send(writeMessage(JSON.stringify(request)));
  }

  function ping(withinMs: number): false {
    expectBy = now() + withinMs;
    send({ type: "Ping", id: PULSE });
    return false;
  }

  return {
    isOpen,
    send,
    deadline,
    tick,
    pass(data) {
      if (socket.bufferedAmount > BUFFER_LIMIT_BYTES) return { code: "queue_full" };
      socket.send(typeof data === "string" ? writeApplication(data) : data);
      return { type: "send" };
    },
    close: () => socket.close(1000),
    // Whoever waits for an answer already will find out. What came last says nothing: in a sleep, the clock may stand.
    wake: () => (expectBy === null ? ping(WAKE_ANSWER_MS) : tick()),
  };
}
