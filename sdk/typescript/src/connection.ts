// One WebSocket, as the driver sees it: what comes from it, what goes into it, and whether it still lives.
//
// A script in a browser sees none of the server's pings, so it asks by itself: when nothing came for a whole heartbeat
// and its timeout, and when the machine woke up. Where an answer is overdue, it need not ask.

import type { Data } from "./commands.js";
import type { Environment } from "./environment.js";
import { readFrame, SUBPROTOCOL, writeApplication, writeMessage } from "./framing.js";
import { type Request, readMessage } from "./messages.js";
import type { Input, Outcome } from "./turn.js";

const OPEN = 1;
/** How much may lie in the socket before more is refused. */
const BUFFER_LIMIT_BYTES = 1 << 20;
/** Of the `Ping` that asks whether the connection lives. The machine counts its requests from 1. */
const PULSE = 0;
/** Beyond the heartbeat, before a silent server is asked; and how long it may take to answer that. */
const TIMEOUT_MS = 10_000;
/** What the server says otherwise in its `Hello`. */
const HEARTBEAT_MS = 25_000;
/** How long nothing may come from a server that owes an answer; it decides within 10 s, but for what waits in a queue. */
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
  /** Says whether the connection is dead. Where the machine may have slept (`isWoken`), the server is asked at once. */
  tick(isWoken?: boolean): boolean;
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
  /** What the server still has to say: its greeting, and the answers to these requests. */
  const awaited = new Set<unknown>(["Hello"]);
  let deadline = now() + ANSWER_MS;

  socket.binaryType = "arraybuffer";
  // What speaks another protocol here would do so the next time.
  socket.onopen = () =>
    arrive({ input: socket.protocol === SUBPROTOCOL ? { do: "opened" } : { do: "closed", code: 1002 } });
  socket.onclose = ({ code, reason }: CloseEvent) => arrive({ input: { do: "closed", code, reason } });
  // A close follows, which says more.
  socket.onerror = () => {};
  socket.onmessage = ({ data }: MessageEvent) => {
    const frame = readFrame(data);
    const message = frame.message && readMessage(frame.message);
    if (message) {
      awaited.delete(message.id ?? message.type);
      if (message.heartbeat) quietMs = message.heartbeat * 1000 + TIMEOUT_MS;
    }
    // Whatever came, the connection lives; but what it owes is still to come.
    deadline = now() + (awaited.size ? ANSWER_MS : quietMs);
    if ("data" in frame) arrive(frame);
    else if (message) arrive({ input: { do: "message", message } });
  };

  const isOpen = () => socket.readyState === OPEN;

  function send(request: Request, withinMs = ANSWER_MS): void {
    if ("id" in request) {
      // What was asked before is answered before.
      if (!awaited.size) deadline = now() + withinMs;
      awaited.add(request.id);
    }
    if (isOpen()) socket.send(writeMessage(JSON.stringify(request)));
  }

  function tick(isWoken?: boolean): boolean {
    const isDue = now() >= deadline;
    // Whoever waits already will find out. What came last says nothing: in a sleep, the clock may stand.
    if (awaited.size) return isDue;
    if (isDue || isWoken) send({ type: "Ping", id: PULSE }, isWoken ? WAKE_ANSWER_MS : TIMEOUT_MS);
    return false;
  }

  return {
    isOpen,
    send,
    deadline: () => deadline,
    tick,
    pass(data) {
      if (socket.bufferedAmount > BUFFER_LIMIT_BYTES) return { code: "queue_full" };
      socket.send(typeof data === "string" ? writeApplication(data) : data);
      return { type: "send" };
    },
    close: () => socket.close(1000),
  };
}
