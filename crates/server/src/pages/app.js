// The demo page: what people do goes to the client, what the client tells is shown.

import { findToken, presentElsewhere } from "./copy.js";
import { delivery } from "./delivery.js";
import { connect, HandfastError } from "./handfast.js";
import { History } from "./history.js";
import { at, celebrate, showCopied, showDelivery, showPanel, showSession, showSessions, showStatus, showTabs, showTime } from "./view.js";
import { reason, refusal } from "./words.js";

/** How long a list of sessions is shown before it is asked for again. */
const SESSIONS_FRESH_MS = 25_000;
const NAME = "demo";

const url = new URL("ws/", document.baseURI);
const client = connect(url, { name: NAME, delivery });
const history = new History();
let sessionsAskedAt = 0;
/** The token that was seen last: whose session, and which generation of it. */
let seen = { session: null, generation: -1 };

/**
 * What this browser keeps of the session, with the token where that is delivered in messages. The client keeps it; this
 * page only looks, to show what a thief could take.
 */
function stored() {
  return JSON.parse(localStorage.getItem(`handfast:${NAME}`));
}

client.on("state", (state) => {
  history.follow(state);
  if (state.status === "authenticated") follow(state);
  show();
});

/** A new token is shown. A new session may be somebody else's, who is shown nothing of the one before. */
function follow({ session, generation }) {
  const isOther = session !== seen.session;
  if (isOther) showSessions([], revoke);
  if (!isOther && generation === seen.generation) return;
  seen = { session, generation };
  celebrate();
  askSessions();
}

function show() {
  const { state } = client;
  const held = heldBy(state);
  if (state.status === "stopped" && state.code === 4409) showPanel("elsewhere");
  else showPanel(held ? "session" : "welcome");
  if (state.status === "authenticated") sayWhyEnded("");
  if (state.status === "logged-out" && state.reason !== "logged_out") sayWhyEnded(reason(state.reason));
  if (held) showSession(held);
  showTabs(state);
  showStatus(state);
  tick();
}

/** The session that is shown: the live one, or the one that is to be gone on with. */
function heldBy(state) {
  if (state.status === "authenticated") return state;
  return state.status === "logged-out" ? null : stored();
}

function tick() {
  showTime(heldBy(client.state), client.state);
  const stale = Date.now() - sessionsAskedAt > SESSIONS_FRESH_MS;
  if (stale && document.visibilityState === "visible") askSessions();
}

function askSessions() {
  if (client.state.status !== "authenticated") return;
  sessionsAskedAt = Date.now();
  attempt(async () => showSessions(await client.sessions(), revoke));
}

function revoke(session) {
  press(async () => {
    await client.revoke(session);
    history.add({ kind: "revoked" });
    askSessions();
  });
}

/** Does what the server may refuse, or a lost connection may cut short. Gives the refusal, if it was one. */
async function attempt(action) {
  try {
    await action();
    return null;
  } catch (error) {
    if (!(error instanceof HandfastError)) throw error;
    return error;
  }
}

/** Does what a button asks for. No form is there to say what became of it, so a refusal is told in the history. */
async function press(action) {
  const refused = await attempt(action);
  if (refused) history.add({ kind: "refused", error: refused });
}

function sayWhyEnded(text) {
  at("ended").textContent = text;
  at("ended").hidden = text === "";
}

/**
 * Runs `send` for a form, once at a time. Where it is refused, `explain` says so in words, and which field is to be put
 * right.
 */
function onSubmit(form, error, send, explain) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    error.textContent = "";
    for (const field of form.elements) field.removeAttribute("aria-invalid");
    const refused = await attempt(() => send(event.submitter?.value));
    form.ariaBusy = "false";
    if (!refused) return;
    const { field, text } = explain(refused);
    error.textContent = text;
    field.setAttribute("aria-invalid", "true");
    field.focus();
  });
}

onSubmit(
  at("login"),
  at("login-error"),
  async (button) => {
    const [username, password] = [at("username").value, at("password").value];
    const isNew = history.during("login", async () => {
      if (button !== "Register") return (await client.login(username, password)).registered;
      await client.register(username, password);
      return true;
    });
    history.add({ kind: (await isNew) ? "registered" : "loggedIn" });
    at("login").reset();
  },
  (error) => ({ field: at(error.code.startsWith("username") ? "username" : "password"), text: refusal(error) }),
);

onSubmit(
  at("password-form"),
  at("password-error"),
  async () => {
    await client.changePassword(at("old-password").value, at("new-password").value);
    at("password-dialog").close();
    history.add({ kind: "passwordChanged" });
    askSessions();
  },
  (error) =>
    error.code === "invalid_password"
      ? { field: at("old-password"), text: "That is not your current password." }
      : { field: at("new-password"), text: refusal(error) },
);

at("password-dialog").addEventListener("close", () => {
  at("password-form").reset();
  at("password-error").textContent = "";
});

at("reveal").addEventListener("click", () => {
  const shown = at("password").type === "text";
  at("password").type = shown ? "password" : "text";
  at("reveal").ariaPressed = String(!shown);
});

at("refresh").addEventListener("click", () => press(() => history.during("refresh", () => client.refresh())));

at("copy").addEventListener("click", async () => {
  at("copy").disabled = true;
  const answer = await tryCopy();
  showCopied(answer);
  history.add({ kind: "copied", answer });
  at("copy").disabled = client.state.status !== "authenticated";
});

/** What comes of a copied token; in cookie delivery nothing, because there is none to copy. */
async function tryCopy() {
  if (delivery === "cookie") return { type: findToken() ? "Readable" : "Unreadable" };
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol.replace("http", "ws");
  return presentElsewhere(socketUrl, stored().token);
}

const logout = (everywhere) => press(() => history.during(everywhere ? "everywhere" : "", () => client.logout({ everywhere })));
at("logout").addEventListener("click", () => logout(false));
at("logout-everywhere").addEventListener("click", () => logout(true));
at("connect").addEventListener("click", () => press(() => client.connect()));
at("take-over").addEventListener("click", () => press(() => client.connect()));
at("change-password").addEventListener("click", () => at("password-dialog").showModal());
at("password-cancel").addEventListener("click", () => at("password-dialog").close());
document.addEventListener("visibilitychange", tick);

showDelivery(delivery);
setInterval(tick, 1000);
show();
