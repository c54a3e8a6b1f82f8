// Pages that have the client and nothing else, for what the demo page does not show.

import assert from "node:assert/strict";

export const PASSWORD = "correct horse battery";

/** The page has no icon; and answers are lost where that is what a test is about. */
export const BLANK = /Failed to load resource: the server responded with a status of (404|410)/;
/** What Chromium says when a connection breaks: expected where a test breaks it. */
export const BROKEN = /Failed to load resource: net::ERR_|^WebSocket connection to .* failed/;

/** One of several expressions. */
export function any(...expressions) {
  return new RegExp(expressions.map(({ source }) => source).join("|"));
}

/**
 * A page without a client of its own, and what its connections said. In cookie delivery a cookie that a script can see
 * is complained of at any time.
 *
 * @param {{url?: string, path?: string, context?: object}} where of a device, at a place where no client is
 */
export async function blank(scene, { url = scene.server.url, path = "healthz", context } = {}) {
  const page = await (context ? scene.tab(context) : scene.device());
  const frames = [];
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => frames.push(String(payload)));
    socket.on("framesent", ({ payload }) => frames.push(String(payload)));
  });
  await page.addInitScript(() => {
    globalThis.cookieStore.addEventListener("change", () => console.error("a script saw a cookie change"));
  });
  await page.goto(`${url}${path}`);
  return { page, frames };
}

/** Makes the page's client, which notes its states and what it hears. */
export async function connect(page, options = {}) {
  await page.evaluate(async (given) => {
    const { connect: start } = await import("/demo/handfast.js");
    const session = start("/ws/", given);
    const [states, heard] = [[], []];
    session.on("state", (state) => {
      states.push(state);
      if (document.cookie !== "") console.error("a script saw a cookie");
    });
    session.on("message", (data) => heard.push(data));
    Object.assign(globalThis, { session, states, heard });
  }, options);
}

/** Asks the client for something; gives the code where it was refused, else null. */
export function refusal(page, method, ...args) {
  return page.evaluate(
    ([name, given]) =>
      globalThis.session[name](...given).then(
        () => null,
        (error) => error.code ?? String(error),
      ),
    [method, args],
  );
}

/** Asks the client for something that must be granted. */
export async function granted(page, method, ...args) {
  assert.equal(await refusal(page, method, ...args), null, method);
}

/** The state once it has this status, and at least this generation. */
export function reached(page, status, generation = 0) {
  return page.evaluate(
    ([wanted, least]) =>
      new Promise((resolve) => {
        const look = (state) => {
          if (state.status === wanted && (state.generation ?? 0) >= least) resolve(state);
        };
        globalThis.session.on("state", look);
        look(globalThis.session.state);
      }),
    [status, generation],
  );
}

/** The statuses that the page's client has gone through since somebody was logged in on it. */
export function statuses(page) {
  return page.evaluate(() => {
    const all = globalThis.states.map(({ status }) => status);
    return all.slice(all.indexOf("authenticated"));
  });
}
