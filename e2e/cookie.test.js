// Delivery in a cookie, by the SDK in a real browser: no script ever sees a token.

import assert from "node:assert/strict";
import { PARTS, Proxy } from "./support/proxy.js";
import { scenario } from "./support/scenario.js";
import { PUSHING } from "./support/server.js";

const settings = { ...PUSHING, HANDFAST_DELIVERY: "cookie" };
/** The page has no icon; and answers are lost where that is what a test is about. */
const tolerate = /Failed to load resource: (the server responded with a status of 404|net::ERR_FAILED)|^WebSocket connection to .* failed/;

/** A page without a client of its own, and what its connections said. */
async function blank(scene, url = scene.server.url) {
  const page = await scene.device();
  const frames = [];
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => frames.push(String(payload)));
    socket.on("framesent", ({ payload }) => frames.push(String(payload)));
  });
  await page.goto(`${url}healthz`);
  return { page, frames };
}

/** Makes the page's client. */
async function connect(page) {
  await page.evaluate(async () => {
    const { connect } = await import("/demo/handfast.js");
    globalThis.session = connect("/ws/", { delivery: "cookie" });
  });
}

async function register(page) {
  await page.evaluate(() => globalThis.session.register("ada", "correct horse battery"));
}

/** The state once it has this status, and at least this generation. */
async function reached(page, status, generation = 0) {
  return page.evaluate(
    ([status, generation]) =>
      new Promise((resolve) => {
        const look = (state) => {
          if (state.status === status && (state.generation ?? 0) >= generation) resolve(state);
        };
        globalThis.session.on("state", look);
        look(globalThis.session.state);
      }),
    [status, generation],
  );
}

async function cookie(page) {
  const cookies = await page.context().cookies();
  return cookies.find(({ name }) => name === "__Host-handfast");
}

scenario("a session in a cookie is pushed to and comes back, and no script sees its token", { settings, tolerate }, async (scene) => {
  const { page, frames } = await blank(scene);
  await connect(page);
  await register(page);
  const first = await cookie(page);
  assert.deepEqual([first.httpOnly, first.secure, first.sameSite, first.path], [true, true, "Strict", "/"]);
  const pushed = await reached(page, "authenticated", 2);
  assert.notEqual((await cookie(page)).value, first.value, "pushes replaced the cookie without a reconnection");
  await page.reload();
  await connect(page);
  const back = await reached(page, "authenticated", pushed.generation + 1);
  assert.equal(back.session, pushed.session);
  const seen = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }));
  for (const text of [seen, ...frames]) {
    assert.ok(!text.includes('"token"') && !text.includes(first.value), text);
  }
});

scenario("after a logout the cookie is gone, and nobody is in after a reload", { settings, tolerate }, async (scene) => {
  const { page } = await blank(scene);
  await connect(page);
  await register(page);
  const cleared = page.waitForResponse((response) => response.request().method() === "DELETE");
  await page.evaluate(() => globalThis.session.logout());
  assert.equal((await cleared).status(), 204);
  assert.equal(await cookie(page), undefined);
  await page.reload();
  await connect(page);
  await reached(page, "logged-out");
});

scenario("a lost answer to the exchange locks nobody out", { settings, tolerate }, async (scene) => {
  const { page } = await blank(scene);
  let exchanges = 0;
  await page.route("**/session/cookie", async (route) => {
    exchanges += 1;
    if (exchanges > 1) return route.fallback();
    await route.fetch();
    await route.abort();
  });
  await connect(page);
  await register(page);
  assert.ok(exchanges > 1, "the client asked for another ticket");
  const { session } = await reached(page, "authenticated");
  await page.unroute("**/session/cookie");
  await page.reload();
  await connect(page);
  assert.equal((await reached(page, "authenticated", 1)).session, session);
});

for (const answer of ["101 Switching Protocols", "Hello", "Success"]) {
  scenario(
    `with a cookie, a connection that breaks before, inside or after ${answer} while resuming logs nobody out`,
    { settings: { HANDFAST_DELIVERY: "cookie" }, tolerate },
    async (scene) => {
      const proxy = await Proxy.to(scene.server.url);
      try {
        const { page } = await blank(scene, proxy.url);
        await connect(page);
        await register(page);
        let before = await reached(page, "authenticated");
        for (const part of PARTS) {
          const broken = proxy.cutAt(answer, part);
          await page.reload();
          await connect(page);
          await broken;
          const back = await reached(page, "authenticated", before.generation + 1);
          assert.equal(back.session, before.session, `cut ${part}`);
          before = back;
        }
        await page.context().close();
      } finally {
        await proxy.dispose();
      }
    },
  );
}
