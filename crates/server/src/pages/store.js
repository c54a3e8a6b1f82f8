// What this browser keeps of a session, shared by its tabs: the newest token, and
// the attempt key under which it is being presented.

const SESSION = "handfast.session";
const ATTEMPT = "handfast.attempt";

/**
 * @typedef {object} Stored
 * @property {string} token
 * @property {string} session
 * @property {string} subject
 * @property {number} generation
 * @property {number} issued_at Unix seconds by this machine's clock
 * @property {number} refresh_at Unix seconds
 * @property {number} expires_at Unix seconds
 */

/** @returns {Stored | null} */
export function stored() {
  return read(SESSION);
}

/** A login begins a session, so its token replaces whatever was stored. */
export function storeLogin(answer) {
  return exclusively(() => {
    replace(answer);
    return "newer";
  });
}

/**
 * Stores a later token of the stored session. A generation that is not newer is
 * left alone: answers arrive late, and another tab may be further.
 *
 * @returns {Promise<"newer" | "same" | "older">} how it compares with what was stored
 */
export function storeNext(answer) {
  return exclusively(() => {
    const held = stored();
    if (held?.session !== answer.session || answer.generation < held.generation) return "older";
    if (answer.generation === held.generation) return "same";
    replace(answer);
    return "newer";
  });
}

/** Forgets the token of `session`, unless another session has taken its place. */
export function forget(session) {
  return exclusively(() => {
    if (stored()?.session !== session) return;
    localStorage.removeItem(SESSION);
    localStorage.removeItem(ATTEMPT);
  });
}

/**
 * The attempt key for presenting `held`, the same for every retry and every tab.
 * It is stored before anybody sends it, so that a crash cannot lose it.
 *
 * @param {Stored} held
 */
export function attemptKey(held) {
  return exclusively(() => {
    const attempt = read(ATTEMPT);
    const fits = attempt?.session === held.session && attempt.generation === held.generation;
    return fits ? attempt.key : makeAttemptKey(held);
  });
}

/**
 * Another attempt key for a generation that was refused under the first one.
 *
 * @param {Stored} held
 */
export function anotherAttemptKey(held) {
  return exclusively(() => makeAttemptKey(held));
}

/** Tells when another tab stores the first token or forgets the last one. */
export function onOtherTab({ loggedIn, loggedOut }) {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === SESSION && oldValue === null) loggedIn();
    if (key === null || (key === SESSION && newValue === null)) loggedOut();
  });
}

function makeAttemptKey({ session, generation }) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  write(ATTEMPT, { session, generation, key });
  return key;
}

// No other tab reads or writes while `action` does. Browsers offer locks in secure
// contexts only; elsewhere two tabs in the same instant may have to log in again.
async function exclusively(action) {
  return navigator.locks ? navigator.locks.request(SESSION, action) : action();
}

function replace(answer) {
  write(SESSION, record(answer));
  localStorage.removeItem(ATTEMPT);
}

function record({ token, session, generation, refresh_at, expires_at }) {
  const issued_at = Math.min(Date.now() / 1000, refresh_at);
  const subject = claims(token).sub ?? "";
  return { token, session, subject, generation, issued_at, refresh_at, expires_at };
}

/** The claims of a JWT, unverified: good enough to show, never to decide. */
function claims(token) {
  const base64 = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  localStorage.setItem(key, JSON.stringify(value));
}
