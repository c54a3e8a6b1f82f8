// What the page says: of events, refusals, times and browsers.

const minutes = 60;
const hours = 60 * minutes;
const days = 24 * hours;

const REASONS = {
  admin: "An administrator revoked this session.",
  cookie_lost: "The cookie that held the session is gone.",
  expired: "The session reached its time limit.",
  key_lost: "The session is bound to a key that this browser no longer has.",
  limit: "There were too many sessions; the one unseen for longest was revoked.",
  logout: "This session was logged out from another device.",
  malformed: "The stored token was damaged.",
  password_changed: "The password was changed.",
  reused: "Two parties held the same token, so the session was revoked.",
  revoked: "This session was revoked.",
  proof_required: "The server wants a proof that this browser cannot give.",
  stale: "The stored token was replaced long ago.",
  storage: "This browser's storage is full, blocked or was cleared.",
  unknown: "The server does not know this session.",
};

const REFUSALS = {
  invalid_password: "That username and password do not belong together.",
  lost: "The connection was lost before the server answered. It may have been done.",
  password_too_long: "That password is too long.",
  password_too_short: "That password is too short for this server.",
  registration_closed: "This server takes no new accounts here.",
  storage: "This browser could not store the session.",
  timeout: "There is no connection to the server. Try again.",
  unavailable: "The server cannot store anything right now. Nothing was changed.",
  username_invalid: "That username has characters that cannot be used.",
  username_taken: "That username is taken.",
};

/** Why a session ended, in a sentence. */
export function reason(name) {
  return REASONS[name] ?? "The session ended.";
}

/** What was refused, in a sentence. */
export function refusal({ code, retryAfter }) {
  if (code === "too_many_requests") return `Too many tries. Try again in ${duration(retryAfter)}.`;
  return REFUSALS[code] ?? `The server refused this (${code}).`;
}

/** What keeps a session from being used with a copied token: in two words, and in a sentence. */
export function protection(bound) {
  if (bound === "key") return ["Key-bound", "The key cannot leave this browser."];
  if (bound === "cookie") return ["HttpOnly", "No script can read the token, so none can copy it."];
  return ["Attempt keys", "A copy of the token is noticed, but not kept from being used first."];
}

/** What came of a copied token, in a sentence. */
export function copied({ type, reason: why }) {
  if (type === "Unreadable") return "There is none: document.cookie is empty, and the page's storage holds no token.";
  if (type === "Readable") return "There is a token that scripts can read. That should not be.";
  if (type === "InvalidToken" && why === "proof_required") {
    return "Refused: proof_required. The copy opens nothing without the key, and your session goes on.";
  }
  if (type === "InvalidToken") return `Refused: ${why}.`;
  if (type !== "Success") return "There was no answer.";
  return "Accepted: the copy has the session now. Use it here again, and the server notices two parties and ends it for both.";
}

/** An event of the session: its title, what it means, and its tone. */
export function told({ kind, generation, reason: why, code, error, answer }) {
  switch (kind) {
    case "registered":
      return ["Registered", "A new account, and generation 0 of its first session.", "good"];
    case "loggedIn":
      return ["Logged in", "A new session begins at generation 0.", "good"];
    case "resumed":
      return ["Resumed", `The token was exchanged for generation ${generation}.`, "good"];
    case "joined":
      return ["Joined", "This tab shares the connection of the tab that leads.", "good"];
    case "leads":
      return ["Leads", "This tab holds the connection for all tabs now.", "plain"];
    case "copied":
      if (answer.type === "Unreadable") return ["Nothing to copy", copied(answer), "good"];
      if (answer.type === "Readable") return ["Token found", copied(answer), "bad"];
      if (answer.type === "Success") return ["Copy accepted", copied(answer), "bad"];
      return ["Copy refused", copied(answer), "good"];
    case "pushed":
      return ["Pushed", `The heartbeat brought generation ${generation}. The one before is dead.`, "good"];
    case "refreshed":
      return ["Refreshed", `This page asked for generation ${generation}.`, "good"];
    case "passwordChanged":
      return ["Password changed", "Every other session was revoked.", "good"];
    case "revoked":
      return ["Revoked", "The other session is over, and its connection closed.", "plain"];
    case "loggedOut":
      return ["Logged out", "The session is revoked and its token is dead.", "plain"];
    case "loggedOutEverywhere":
      return ["Logged out everywhere", "Every session of yours is revoked.", "plain"];
    case "superseded":
      return ["Superseded", "Somebody else presented the token and has the session now.", "warn"];
    case "ended":
      return ["Session over", reason(why), "bad"];
    case "refused":
      return ["Refused", refusal(error), "warn"];
    case "stopped":
      return ["Stopped", `The server closed with ${code}, so this page stays away until you ask.`, "bad"];
    default:
      return ["Connection lost", "The session lives on.", "warn"];
  }
}

/** A time left, as a clock shows it: `9:41`, `1:02:03`. */
export function countdown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  const pad = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(left / hours), Math.floor(left / minutes) % 60, left % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** A length of time in its largest unit: `7 days`, `20 seconds`. */
export function duration(seconds) {
  const [count, unit] = largest(seconds);
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }).format(count);
}

/** A moment seen from now: `in 7 days`, `2 minutes ago`, `now`. */
export function relative(seconds) {
  const [count, unit] = largest(Math.abs(seconds));
  const signed = seconds < 0 ? -count : count;
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(signed, unit);
}

function largest(seconds) {
  if (seconds >= 2 * days) return [Math.round(seconds / days), "day"];
  if (seconds >= 2 * hours) return [Math.round(seconds / hours), "hour"];
  if (seconds >= 2 * minutes) return [Math.round(seconds / minutes), "minute"];
  return [Math.ceil(seconds), "second"];
}

/** `Firefox on Linux` from a User-Agent; other programs as they call themselves. */
export function browser(agent) {
  const name = firstMatch(agent, [
    [/Edg/, "Edge"],
    [/OPR\//, "Opera"],
    [/Firefox|FxiOS/, "Firefox"],
    [/Chrom|CriOS/, "Chrome"],
    [/Safari\//, "Safari"],
  ]);
  const system = firstMatch(agent, [
    [/Android/, "Android"],
    [/iPhone|iPad/, "iOS"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "macOS"],
    [/CrOS/, "ChromeOS"],
    [/Linux/, "Linux"],
  ]);
  if (name && system) return `${name} on ${system}`;
  return name ?? (agent || "Unknown program");
}

function firstMatch(text, table) {
  return table.find(([pattern]) => pattern.test(text))?.[1];
}
