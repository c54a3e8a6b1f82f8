// What people see. Everything goes into the page as text, never as markup.

import { browser, copied, countdown, protection, relative, told } from "./words.js";

const HISTORY_LENGTH = 60;
const CORD_LENGTH = 6;
const LONG_NAME = 20;
const DAY_AND_TIME = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
const PANELS = ["welcome", "elsewhere", "session"];

/** The element with that id. */
export function at(id) {
  return document.getElementById(id);
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Shows one panel. Where that hides what had the focus, its title gets it. */
export function showPanel(name) {
  const shown = at(name);
  if (!shown.hidden) return;
  const displaced = PANELS.some((other) => other !== name && at(other).contains(document.activeElement));
  for (const other of PANELS) at(other).hidden = other !== name;
  if (displaced) shown.querySelector("h1").focus();
}

/** The line in the masthead: how the connection is. */
export function showStatus(state) {
  const text = {
    connecting: "Connecting",
    waiting: "Reconnecting",
    stopped: state.code === 4409 ? "In use elsewhere" : "Stopped",
    "logged-out": "Connected",
    authenticating: state.username ? "Resuming" : "Connected",
    authenticated: "Connected",
    closed: "Closed",
  }[state.status];
  at("status").dataset.state = state.status;
  // Said again only when it changes: the line is announced by screen readers.
  if (at("status-text").textContent !== text) at("status-text").textContent = text;
  at("connect").hidden = state.status !== "waiting" && state.status !== "stopped";
  for (const button of document.querySelectorAll("[data-bound]")) button.disabled = state.status !== "authenticated";
}

/** How tokens come to this browser, and what a copy of one is worth that comes so. */
export function showDelivery(delivery) {
  const isCookie = delivery === "cookie";
  document.body.dataset.delivery = delivery;
  at("delivery").textContent = isCookie ? "In a cookie" : "In messages";
  at("delivery-text").textContent = isCookie
    ? "Each connection presents it and is given the next one."
    : "This page keeps it in its storage.";
  // A script cannot rotate what it cannot see.
  at("refresh").hidden = isCookie;
  if (!isCookie) return;
  at("copy-title").textContent = "What can a script copy?";
  at("copy-text").textContent = "No script can read the token: it is in an HttpOnly cookie. Look wherever a script can.";
  at("copy").textContent = "Look for a token to copy";
}

/** Which tab leads, and what the session is bound to. */
export function showTabs(state) {
  at("lead").textContent = state.leader ? "This tab leads" : "Another tab leads";
  at("lead").dataset.leader = String(state.leader);
  at("lead-text").textContent = state.leader ? "It holds the connection for all tabs." : "It holds the connection for this one too.";
  if (state.status !== "authenticated") return;
  const bound = document.body.dataset.delivery === "cookie" ? "cookie" : state.bound;
  [at("bound").textContent, at("bound-text").textContent] = protection(bound);
  at("bound").dataset.bound = bound;
}

/** What came of the copied token. */
export function showCopied(answer) {
  at("copied").textContent = copied(answer);
  at("copied").dataset.tone = ["Success", "Readable"].includes(answer.type) ? "bad" : "good";
  at("copied").hidden = false;
}

/** The session: whose, which, and how far. */
export function showSession(held) {
  const name = held.username ?? "";
  at("subject").textContent = name;
  at("subject").dataset.long = String(name.length > LONG_NAME);
  at("session-id").textContent = held.session;
  at("password-username").value = name;
  const expires = new Date(held.expires_at * 1000);
  at("expires").dateTime = expires.toISOString();
  at("expires").title = expires.toLocaleString();
  if (at("generation").textContent === String(held.generation)) return;
  at("generation").textContent = held.generation;
  const first = Math.max(0, held.generation - CORD_LENGTH + 1);
  const beads = Array.from({ length: held.generation - first + 1 }, () => make("span", {}));
  at("cord").replaceChildren(...beads);
}

/** When the generation of the session that is shown was first seen; what is stored does not say. */
const since = { session: null, generation: -1, at: 0 };

/** What changes every second. */
export function showTime(held, state) {
  const now = Date.now() / 1000;
  at("status-delay").textContent =
    state.status === "waiting" ? `in ${countdown((state.until - Date.now()) / 1000)}` : "";
  if (!held) return;
  const { session, generation } = held;
  if (since.session !== session || since.generation !== generation) Object.assign(since, { session, generation, at: now });
  const issuedAt = Math.min(since.at, held.refresh_at);
  const left = held.refresh_at - now;
  const share = Math.min(1, Math.max(0, left / Math.max(1, held.refresh_at - issuedAt)));
  const due = left <= 0;
  at("ring").setAttribute("stroke-dashoffset", String(share - 1));
  at("countdown").textContent = countdown(left);
  at("clock").dataset.due = String(due);
  at("countdown-label").textContent = tokenLabel(due, state);
  at("expires").textContent = relative(held.expires_at - now);
  at("life").value = Math.max(0, (held.expires_at - now) / (held.expires_at - issuedAt));
}

function tokenLabel(due, state) {
  if (!due) return "until the next token";
  return state.status === "authenticated" ? "due: the next heartbeat brings it" : "due when the connection is back";
}

/** A push, a resume or a refresh: the ring says that there is a new token. */
export function celebrate() {
  const clock = at("clock");
  clock.classList.remove("renewed");
  // Reading the size makes the browser notice the removal, so that it starts again.
  void clock.offsetWidth;
  clock.classList.add("renewed");
}

/** One more line in the history, newest first. */
export function addToHistory(note) {
  const [title, text, tone] = told(note);
  const now = new Date();
  const time = make("time", { datetime: now.toISOString(), class: "numbers" }, now.toLocaleTimeString());
  at("history").prepend(
    make("li", { "data-tone": tone, "data-kind": note.kind }, make("strong", {}, title), time, make("p", {}, text)),
  );
  while (at("history").childElementCount > HISTORY_LENGTH) at("history").lastElementChild.remove();
}

/** The subject's sessions; `revoke` is called with the id of the one to end. */
export function showSessions(sessions, revoke) {
  const focused = document.activeElement?.dataset.revoke;
  const order = sessions.toSorted((a, b) => b.current - a.current || b.online - a.online || b.last_seen_at - a.last_seen_at);
  at("sessions").replaceChildren(...order.map((session) => sessionItem(session, revoke)));
  const again = Array.from(at("sessions").querySelectorAll("[data-revoke]"));
  if (focused) (again.find((button) => button.dataset.revoke === focused) ?? at("subject")).focus();
}

function sessionItem({ session, created_at, last_seen_at, online, address, agent, current }, revoke) {
  const now = Date.now() / 1000;
  const name = browser(agent ?? "");
  const seen = online ? "online" : `seen ${relative(Math.min(0, last_seen_at - now))}`;
  const began = `since ${new Date(created_at * 1000).toLocaleString([], DAY_AND_TIME)}`;
  const item = make(
    "li",
    { "data-session": session, "data-online": String(online) },
    make("span", { class: "dot", "aria-hidden": "true" }),
    make(
      "div",
      { class: "device" },
      make("strong", { title: agent ?? "" }, name),
      make("p", {}, ...[seen, began, address ?? ""].map((text) => make("span", {}, text))),
    ),
  );
  if (current) {
    item.append(make("span", { class: "badge" }, "This one"));
  } else {
    const label = `Revoke the session of ${name}, ${address}, ${seen}`;
    const button = make("button", { type: "button", "data-revoke": session, "aria-label": label }, "Revoke");
    button.addEventListener("click", () => revoke(session));
    item.append(button);
  }
  return item;
}
