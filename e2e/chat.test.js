// Messages of an application, in many tabs on many devices: each arrives once, whatever happens to the server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { any, blank, connect, granted, PASSWORD, reached, statuses } from "./support/client.js";
import { scenario, SERVER_GONE } from "./support/scenario.js";
import { CHAT } from "./support/server.js";

const CLIENT = await readFile(new URL("../crates/server/src/pages/handfast.js", import.meta.url), "utf8");
const room = { program: CHAT, tolerate: any(SERVER_GONE, /status of 426/) };

/** Tabs of one more device in the room; the first of them logs in for all. */
async function enter(scene, count) {
  const context = (await scene.device()).context();
  await context.route("**/demo/handfast.js", (route) => route.fulfill({ contentType: "text/javascript", body: CLIENT }));
  const tabs = [];
  for (let opened = 0; opened < count; opened += 1) {
    // The room's own page has a client already; this one only says what it is not for.
    const { page } = await blank(scene, { context, path: "ws" });
    tabs.push(page);
  }
  await Promise.all(tabs.map((tab) => connect(tab)));
  await granted(tabs[0], "login", "ada", PASSWORD);
  await Promise.all(tabs.map((tab) => reached(tab, "authenticated")));
  return tabs;
}

/** Waits until a page has heard all of these lines. */
function heard(page, lines) {
  return page.waitForFunction((wanted) => wanted.every((line) => globalThis.heard.includes(line)), lines);
}

/** Each of `speakers` says something, and every page hears it exactly once. */
async function everyoneHears(pages, speakers) {
  const lines = speakers.map((_, index) => `hello from ${index}`);
  await Promise.all(speakers.map((page, index) => granted(page, "send", lines[index])));
  await Promise.all(pages.map((page) => heard(page, lines.map((line) => `ada: ${line}`))));
  // Behind everything else that may still be on its way.
  await granted(speakers[0], "send", "that was all");
  await Promise.all(pages.map((page) => heard(page, ["ada: that was all"])));
  for (const page of pages) {
    const hellos = await page.evaluate(() => globalThis.heard.filter((line) => line.includes("hello from")));
    assert.deepEqual(hellos.sort(), lines.map((line) => `ada: ${line}`), "once each");
  }
}

scenario("what any of ten tabs says is delivered once, and reaches all ten", room, async (scene) => {
  const tabs = await enter(scene, 10);
  assert.equal(scene.connections, 1, "one connection for all");
  await everyoneHears(tabs, tabs);
});

scenario("a server that starts again under twenty pages gets all of them back, and each message arrives once", room, async (scene) => {
  const devices = [];
  for (let count = 0; count < 5; count += 1) devices.push(await enter(scene, 4));
  const pages = devices.flat();
  const session = (page) => page.evaluate(() => globalThis.session.state.session);
  const before = await Promise.all(pages.map(session));
  await scene.server.kill();
  await Promise.all(pages.map((page) => page.waitForFunction(() => globalThis.session.state.status !== "authenticated")));
  await scene.server.restart();
  await Promise.all(pages.map((page) => reached(page, "authenticated", 1)));
  assert.deepEqual(await Promise.all(pages.map(session)), before, "each page has the session of before");
  const leading = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.session.state.leader)));
  assert.equal(leading.filter(Boolean).length, devices.length, "one connection for each device");
  const sessions = await pages[0].evaluate(() => globalThis.session.sessions());
  assert.deepEqual(sessions.map(({ online }) => online), devices.map(() => true), "none is there twice");
  await everyoneHears(pages, devices.map((tabs) => tabs.at(-1)));
  for (const page of pages) {
    const seen = await statuses(page);
    assert.ok(!seen.includes("logged-out") && !seen.includes("stopped"), seen.join());
  }
});
