// Networks as they are, between a real browser and a real server: cut for a while, or in the middle of an answer.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connected, enter, happened, newerThan, sessions, stored } from "./support/demo.js";
import { PARTS, Proxy } from "./support/proxy.js";
import { scenario, SERVER_GONE } from "./support/scenario.js";
import { PUSHING } from "./support/server.js";

/** What the server sends when a session is gone on with. */
const RESUMING = ["101 Switching Protocols", "Hello", "Success"];

/** Waits until the page has come back that often, and has nothing more to ask. */
async function resumed(page, times) {
  await page.getByRole("log").getByText("Resumed", { exact: true }).nth(times - 1).waitFor();
  await connected(page);
}

/** A page behind a network that can be cut; it must never come to be logged out. */
function behindProxy(sentence, { keys = true, clock = false, settings }, body) {
  scenario(sentence, { settings, tolerate: SERVER_GONE }, async (scene) => {
    const proxy = await Proxy.to(scene.server.url);
    const page = await scene.device();
    if (!keys) await page.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }));
    if (clock) await page.clock.install();
    try {
      await page.goto(proxy.url);
      await enter(scene, page, "Register", "ada");
      await sessions(page, 1);
      const { session } = await stored(page);
      await body(page, proxy, scene);
      await connected(page);
      assert.equal((await stored(page)).session, session, "it is the session of before");
      assert.equal(await page.getByText("Session over").count(), 0);
    } finally {
      await page.context().close();
      await proxy.dispose();
    }
  });
}

for (const [evidence, keys] of [
  ["a key", true],
  ["attempt keys", false],
]) {
  for (const answer of RESUMING) {
    behindProxy(
      `with ${evidence}, a connection that breaks before, inside or after ${answer} while resuming logs nobody out`,
      { keys },
      async (page, proxy) => {
        for (const part of PARTS) {
          const before = await stored(page);
          const broken = proxy.cutAt(answer, part);
          await page.reload();
          await broken;
          // Where the last of it arrived, the page is in once before it notices that it is cut off.
          await resumed(page, part === "after" && answer === "Success" ? 2 : 1);
          await newerThan(page, before.generation);
        }
      },
    );
  }

  behindProxy(
    `with ${evidence}, a connection that breaks before, inside or after Success while refreshing logs nobody out`,
    { keys },
    async (page, proxy) => {
      for (const [times, part] of PARTS.entries()) {
        const before = await stored(page);
        const broken = proxy.cutAt("Success", part);
        await page.getByRole("button", { name: "Refresh now" }).click();
        await broken;
        await resumed(page, times + 1);
        await newerThan(page, before.generation);
      }
    },
  );
}

behindProxy(
  "a connection that breaks before, inside or after a push logs nobody out",
  { settings: PUSHING },
  async (page, proxy) => {
    for (const [times, part] of PARTS.entries()) {
      const before = await stored(page);
      await proxy.cutAt("Success", part);
      await resumed(page, times + 1);
      await newerThan(page, before.generation);
    }
  },
);

behindProxy(
  "a network that is cut for a minute is noticed, and the page comes back when it is mended",
  { clock: true },
  async (page, proxy) => {
    const before = await stored(page);
    proxy.cut();
    for (let seconds = 0; seconds < 60; seconds += 10) await page.clock.runFor(10_000);
    await happened(page, "Connection lost");
    assert.equal((await stored(page)).generation, before.generation);
    proxy.mend();
    await newerThan(page, before.generation);
  },
);

behindProxy(
  "a logout that nobody answers is told, and the session goes on",
  { clock: true },
  async (page, proxy) => {
    const before = await stored(page);
    proxy.cut();
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await page.clock.runFor(20_000);
    await happened(page, "Refused", "lost before the server answered");
    proxy.mend();
    await newerThan(page, before.generation);
  },
);

behindProxy(
  "a network that is away until the server has left the connection too logs nobody out",
  { clock: true, settings: { HANDFAST_HEARTBEAT__INTERVAL: "2s", HANDFAST_HEARTBEAT__TIMEOUT: "4s" } },
  async (page, proxy, scene) => {
    const before = await stored(page);
    assert.doesNotMatch(scene.server.log, /4408/, "until then it was answered in time");
    proxy.cut();
    await scene.server.logged(/4408/);
    for (let seconds = 0; seconds < 60; seconds += 10) await page.clock.runFor(10_000);
    await happened(page, "Connection lost");
    proxy.mend();
    await newerThan(page, before.generation);
  },
);

for (const delivery of ["message", "cookie"]) {
  scenario(`where tokens come by ${delivery}, a page of another origin is refused with 403`, {
    settings: { HANDFAST_DELIVERY: delivery },
    tolerate: /status of 40[34]|CORS policy|net::ERR_FAILED|Unexpected response code: 403$/,
  }, async (scene) => {
    const stranger = createServer((_, response) => response.end("<!doctype html><title>another origin</title>"));
    stranger.listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const page = await scene.device();
    await page.goto(`http://127.0.0.1:${stranger.address().port}/page`);
    const closed = await page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url, "handfast.v1");
          socket.onopen = () => resolve("it was let in");
          socket.onclose = ({ code }) => resolve(code);
        }),
      `${scene.server.url.replace("http", "ws")}ws/`,
    );
    assert.equal(closed, 1006);
    assert.equal(scene.complaints.filter((text) => /response code: 403$/.test(text)).length, 1);
    if (delivery === "cookie") {
      const answered = page.waitForResponse((response) => response.request().method() === "POST");
      const place = `${scene.server.url}session/cookie`;
      // The one kind of request for which the browser asks nobody first.
      await page.evaluate((url) => fetch(url, { method: "POST", mode: "no-cors", body: "{}" }), place);
      assert.equal((await answered).status(), 403);
    }
    stranger.close();
    stranger.closeAllConnections();
  });
}
