// Whether a connection still lives. A script in a browser sees none of the server's pings, so it asks by itself: when
// nothing came for a whole heartbeat and its timeout, when an answer is overdue, and when the machine woke up.

/** Beyond the heartbeat, before a silent server is asked; and how long it may take to answer that. */
const TIMEOUT_MS = 10_000;
/** What the server says otherwise in its `Hello`. */
const HEARTBEAT_MS = 25_000;
/** How long a server may take for an answer; it decides within 10 s. */
const ANSWER_MS = 15_000;
/** How long an answer may take that somebody waits for who just opened the lid. */
const WAKE_ANSWER_MS = 3_000;
/** What came this recently shows that the connection survived. */
const FRESH_MS = 1_000;

export type Finding = "ping" | "dead" | null;

export class Pulse {
  #quietMs = HEARTBEAT_MS + TIMEOUT_MS;
  #heardAt: number;
  #expectBy: number | null;

  /** A connection is being opened. */
  constructor(now: number) {
    this.#heardAt = now;
    this.#expectBy = now + ANSWER_MS;
  }

  heard(now: number): void {
    this.#heardAt = now;
    this.#expectBy = null;
  }

  /** The server said how often it pings. */
  beats(seconds: number): void {
    this.#quietMs = seconds * 1000 + TIMEOUT_MS;
  }

  /** The server does not know a ping. Asking on in every pause would be misuse. */
  mute(): void {
    this.#quietMs = Number.POSITIVE_INFINITY;
  }

  /** A request went out. */
  expect(now: number, within = ANSWER_MS): void {
    this.#expectBy ??= now + within;
  }

  get deadline(): number {
    return this.#expectBy ?? this.#heardAt + this.#quietMs;
  }

  tick(now: number): Finding {
    if (now < this.deadline) return null;
    if (this.#expectBy !== null) return "dead";
    this.expect(now, TIMEOUT_MS);
    return "ping";
  }

  /** The machine woke up, or may have. Whoever waits for an answer already will find out. */
  wake(now: number): Finding {
    if (this.#expectBy !== null) return this.tick(now);
    if (now - this.#heardAt < FRESH_MS) return null;
    this.expect(now, WAKE_ANSWER_MS);
    return "ping";
  }
}
