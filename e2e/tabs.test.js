// Many tabs on one session, against a real server: one connection, whatever becomes of the tab that holds it.

import assert from "node:assert/strict";
import { connected, enter, happened, leaders, loggedOut, newerThan, stored, together } from "./support/demo.js";
import { scenario, SERVER_GONE } from "./support/scenario.js";

scenario("ten tabs opened at once share one session and one connection", {}, async (scene) => {
  const first = await scene.demo();
  await enter(scene, first, "Register", "ada");
  await first.close();
  const tabs = await scene.tabs(first.context(), 10);
  await together(tabs);
  assert.equal((await leaders(tabs)).length, 1, "exactly one tab leads");
  assert.equal(scene.connections, 2, "one before them, and one for all of them");
});

scenario("when the tab that leads is closed, another goes on with the session", {}, async (scene) => {
  const first = await scene.demo();
  await enter(scene, first, "Register", "ada");
  const before = await stored(first);
  const [second] = await scene.tabs(first.context(), 1);
  await happened(second, "Joined");
  await second.getByText("Another tab leads").waitFor();
  await first.close();
  await second.getByText("This tab leads").waitFor();
  await newerThan(second, before.generation);
  await connected(second);
  assert.equal((await stored(second)).session, before.session);
});

scenario("when the tab that leads crashes, another goes on with the session", {}, async (scene) => {
  const first = await scene.demo();
  await enter(scene, first, "Register", "ada");
  const before = await stored(first);
  const [second] = await scene.tabs(first.context(), 1);
  await happened(second, "Joined");
  await scene.crash(first);
  await second.getByText("This tab leads").waitFor();
  await newerThan(second, before.generation);
  await connected(second);
});

scenario("logging in and out in one tab does so in all", {}, async (scene) => {
  const first = await scene.demo();
  const [second, third] = await scene.tabs(first.context(), 2);
  await enter(scene, third, "Register", "ada");
  await together([first, second, third]);
  await second.getByRole("button", { name: "Log out", exact: true }).click();
  for (const tab of [first, second, third]) await loggedOut(tab);
  await enter(scene, second, "Log in", "ada");
  await together([first, second, third]);
});

scenario(
  "a server that starts again under twenty open pages gets all of them back, and none twice",
  { tolerate: SERVER_GONE },
  async (scene) => {
    const pages = [];
    for (let devices = 0; devices < 5; devices += 1) {
      const page = await scene.demo();
      await enter(scene, page, devices === 0 ? "Register" : "Log in", "ada");
      pages.push(page, ...(await scene.tabs(page.context(), 3)));
    }
    await together(pages);
    await scene.server.kill();
    for (const page of pages) await page.getByText("Reconnecting").or(page.getByText("Connecting")).first().waitFor();
    await scene.server.restart();
    await together(pages);
    assert.equal((await leaders(pages)).length, 5, "one connection for each device");
    await pages[0].reload();
    const lines = pages[0].getByRole("region", { name: "Your sessions" }).getByRole("listitem");
    await lines.filter({ hasText: "online" }).nth(4).waitFor();
    assert.equal(await lines.count(), 5);
  },
);
