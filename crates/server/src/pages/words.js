// What the page says: of events, refusals, times and browsers.

const minutes = 60;
const hours = 60 * minutes;
const days = 24 * hours;

const REASONS = {
  admin: "An administrator revoked this session.",
  expired: "The session reached its time limit.",
  limit: "There were too many sessions; the one unseen for longest was revoked.",
  logout: "This session was logged out from another device.",
  malformed: "The stored token was damaged.",
  password_changed: "The password was changed.",
  reused: "Two parties held the same token, so the session was revoked.",
  revoked: "This session was revoked.",
  stale: "The stored token was replaced long ago.",
  unknown: "The server does not know this session.",
};

const INVALID = {
  password_too_long: "That password is too long.",
  password_too_short: "That password is too short for this server.",
  registration_closed: "This server takes no new accounts here.",
  username_invalid: "That username has characters that cannot be used.",
  username_taken: "That username is taken.",
};

/** Why a session ended, in a sentence. */
export function reason(name) {
  return REASONS[name] ?? "The session ended.";
}

/** What an answer that is not a success means, in a sentence. */
export function refusal(answer) {
  switch (answer.type) {
    case "InvalidPassword":
      return "That username and password do not belong together.";
    case "InvalidRequest":
      return INVALID[answer.reason] ?? `The server refused this (${answer.reason}).`;
    case "TooManyRequests":
      return `Too many tries. Try again in ${duration(answer.retry_after)}.`;
    case "Unavailable":
      return "The server cannot store anything right now. Nothing was changed.";
    default:
      return `The server answered ${answer.type}.`;
  }
}

/** An event of the client: its title, what it means, and its tone. */
export function told({ kind, generation, reason: why, code, retry_after }) {
  switch (kind) {
    case "registered":
      return ["Registered", "A new account, and generation 0 of its first session.", "good"];
    case "loggedIn":
      return ["Logged in", "A new session begins at generation 0.", "good"];
    case "resumed":
      return ["Resumed", `The stored token was exchanged for generation ${generation}.`, "good"];
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
    case "loggedOutElsewhere":
      return ["Logged out", "Another tab logged out.", "plain"];
    case "superseded":
      return ["Superseded", "Another tab presented the token and has the session now.", "warn"];
    case "ended":
      return ["Session over", reason(why), "bad"];
    case "limited":
      return ["Slow down", `The server asks for a pause of ${duration(retry_after)}.`, "warn"];
    case "stopped":
      return ["Stopped", `The server closed with ${code}, so this page stays away until you ask.`, "bad"];
    default:
      return ["Connection lost", `${code === 1006 ? "The server is out of reach" : `Closed with ${code}`}. The session lives on.`, "warn"];
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
