// The demo page: what people do goes to the client, what the client tells is shown.

import { Client, ConnectionLost } from "./client.js";
import { stored } from "./store.js";
import { addToHistory, at, celebrate, showPanel, showSession, showSessions, showStatus, showTime } from "./view.js";
import { reason, refusal } from "./words.js";

const NEW_TOKEN = new Set(["registered", "loggedIn", "resumed", "pushed", "refreshed"]);
const NOT_CURRENT = "That is not your current password.";
const LOST = "The connection was lost before the server answered. Try again.";

const url = new URL("ws/", document.baseURI);
url.protocol = url.protocol.replace("http", "ws");
const client = new Client(url);
let sessionsAskedAt = 0;

client.addEventListener("state", show);
client.addEventListener("note", ({ detail }) => {
  addToHistory(detail);
  if (NEW_TOKEN.has(detail.kind)) {
    celebrate();
    sayWhyEnded("");
    askSessions();
  }
  if (detail.kind === "ended") sayWhyEnded(reason(detail.reason));
  show();
});

function show() {
  const held = stored();
  if (client.state.name === "superseded") showPanel("elsewhere");
  else showPanel(held ? "session" : "welcome");
  if (held) showSession(held);
  showStatus(client.state, held);
  tick();
}

function tick() {
  showTime(stored(), client.state, client.heartbeat);
  const stale = Date.now() - sessionsAskedAt > client.heartbeat * 1000;
  if (stale && document.visibilityState === "visible") askSessions();
}

function askSessions() {
  if (client.state.name !== "bound") return;
  sessionsAskedAt = Date.now();
  attempt(async () => {
    const answer = await client.request({ type: "Sessions" });
    if (answer.type === "Sessions") showSessions(answer.sessions, revoke);
  });
}

function revoke(session) {
  attempt(async () => {
    const answer = await client.request({ type: "Revoke", session });
    if (answer.type === "Revoked") addToHistory({ kind: "revoked" });
    askSessions();
  });
}

/** Does what may be cut short by a lost connection; the client tells of the loss. */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
  }
}

function sayWhyEnded(text) {
  at("ended").textContent = text;
  at("ended").hidden = text === "";
}

/**
 * Runs `send` for a form, once at a time. It gives what was wrong, in words, and the
 * field to put right; nothing where nothing was.
 */
function onSubmit(form, error, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    error.textContent = "";
    for (const field of form.elements) field.removeAttribute("aria-invalid");
    let wrong = { text: LOST, field: event.submitter };
    await attempt(async () => (wrong = await send(event.submitter?.value)));
    form.ariaBusy = "false";
    if (!wrong) return;
    error.textContent = wrong.text;
    if (wrong.field instanceof HTMLInputElement) wrong.field.setAttribute("aria-invalid", "true");
    wrong.field?.focus();
  });
}

onSubmit(at("login"), at("login-error"), async (type) => {
  const answer = await client.login(type ?? "Login", at("username").value, at("password").value);
  if (answer.type === "Success" || answer.type === "Registered") {
    at("login").reset();
    return null;
  }
  const field = answer.reason?.startsWith("username") ? at("username") : at("password");
  return { text: refusal(answer), field };
});

onSubmit(at("password-form"), at("password-error"), async () => {
  const answer = await client.request({
    type: "ChangePassword",
    old_password: at("old-password").value,
    new_password: at("new-password").value,
  });
  if (answer.type === "InvalidPassword") return { text: NOT_CURRENT, field: at("old-password") };
  if (answer.type !== "PasswordChanged") return { text: refusal(answer), field: at("new-password") };
  at("password-dialog").close();
  addToHistory({ kind: "passwordChanged" });
  askSessions();
  return null;
});

at("password-dialog").addEventListener("close", () => {
  at("password-form").reset();
  at("password-error").textContent = "";
});

at("reveal").addEventListener("click", () => {
  const shown = at("password").type === "text";
  at("password").type = shown ? "password" : "text";
  at("reveal").ariaPressed = String(!shown);
});

at("connect").addEventListener("click", () => client.connect());
at("take-over").addEventListener("click", () => client.connect());
at("refresh").addEventListener("click", () => attempt(() => client.refresh()));
at("logout").addEventListener("click", () => attempt(() => client.logout(false)));
at("logout-everywhere").addEventListener("click", () => attempt(() => client.logout(true)));
at("change-password").addEventListener("click", () => at("password-dialog").showModal());
at("password-cancel").addEventListener("click", () => at("password-dialog").close());
document.addEventListener("visibilitychange", tick);

setInterval(tick, 1000);
client.connect();
show();
