// What happened, read from one state of the session after the other.

import { addToHistory } from "./view.js";

export class History {
  /** The session that was seen last, and how far it was. */
  #session = null;
  #generation = -1;
  #status = "connecting";
  #isLeader = false;
  /** Whether a lost connection has been told, which is said once, not for every try that follows. */
  #isLost = false;
  /** Why the last session ended, which a new connection tells again. */
  #ended = "logged_out";
  /** What this tab itself is doing right now. */
  #doing = "";

  add(note) {
    addToHistory(note);
  }

  /** Does what this tab was asked for, so that its outcome is not taken for somebody else's. */
  async during(doing, action) {
    this.#doing = doing;
    try {
      return await action();
    } finally {
      this.#doing = "";
    }
  }

  follow(state) {
    const before = this.#status;
    this.#status = state.status;
    if (state.leader && !this.#isLeader && before !== "connecting") this.add({ kind: "leads" });
    this.#isLeader = state.leader;
    if (state.status === "authenticated") this.#authenticated(state, before);
    else if (state.status === "logged-out") this.#loggedOut(state.reason);
    else if (state.status === "stopped" && before !== "stopped") this.#stopped(state.code);
    else if (state.status === "waiting" && state.username && !this.#isLost) {
      this.#isLost = true;
      this.add({ kind: "lost" });
    }
  }

  #authenticated({ session, generation, leader }, before) {
    const [known, isNewer] = [this.#session === session, this.#generation !== generation];
    const isAway = this.#isLost;
    this.#session = session;
    this.#generation = generation;
    this.#isLost = false;
    this.#ended = "logged_out";
    // Whoever logged in here tells so, because it knows whether that made an account.
    if (this.#doing === "login") return;
    if (!known && before === "connecting" && !leader) this.add({ kind: "joined" });
    else if (!known) this.add({ kind: generation === 0 ? "loggedIn" : "resumed", generation });
    else if (before !== "authenticated" && (isNewer || isAway)) this.add({ kind: "resumed", generation });
    else if (isNewer) this.add({ kind: this.#doing === "refresh" ? "refreshed" : "pushed", generation });
  }

  #loggedOut(reason) {
    const had = this.#session !== null;
    this.#session = null;
    this.#generation = -1;
    if (reason !== "logged_out" && this.#ended !== reason) this.add({ kind: "ended", reason });
    else if (had) this.add({ kind: this.#doing === "everywhere" ? "loggedOutEverywhere" : "loggedOut" });
    this.#ended = reason;
  }

  #stopped(code) {
    this.add({ kind: code === 4409 ? "superseded" : "stopped", code });
  }
}
