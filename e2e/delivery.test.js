// The demo page where tokens are delivered in a cookie: all that it does elsewhere, and nothing to be copied.

import assert from "node:assert/strict";
import { connected, enter, happened, leaders, loggedOut, newerThan, PASSWORD, sessions, stored, submit, together } from "./support/demo.js";
import { scenario, SERVER_GONE } from "./support/scenario.js";
import { PUSHING } from "./support/server.js";

const BY_COOKIE = { HANDFAST_DELIVERY: "cookie" };

/** A demo page, on which a cookie that a script can see is complained of. */
async function demo(scene) {
  const page = await scene.device();
  await page.addInitScript(() => {
    globalThis.cookieStore.addEventListener("change", () => console.error("a script saw a cookie change"));
  });
  await page.goto(scene.server.url);
  return page;
}

async function noCookies(page) {
  assert.equal(await page.evaluate(() => document.cookie), "");
}

scenario("the page says how tokens come, and a script finds none to copy", { settings: BY_COOKIE }, async (scene) => {
  const page = await demo(scene);
  await enter(scene, page, "Register", "ada");
  await page.getByText("In a cookie", { exact: true }).waitFor();
  await page.getByText("HttpOnly", { exact: true }).waitFor();
  await page.getByText("No script can read the token: it is in an HttpOnly cookie").waitFor();
  assert.equal(await page.getByRole("button", { name: "Refresh now" }).count(), 0);
  await page.getByRole("button", { name: "Look for a token to copy" }).click();
  await page.getByRole("status").filter({ hasText: "document.cookie is empty" }).waitFor();
  await happened(page, "Nothing to copy");
  await noCookies(page);
  assert.equal((await stored(page)).token, undefined);
});

scenario("where tokens come in messages, the page says so", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  await page.getByText("In messages", { exact: true }).waitFor();
  await page.getByText("Key-bound", { exact: true }).waitFor();
});

scenario(
  "a session in a cookie is pushed to, resumed, shared by tabs, and logged out",
  { settings: { ...PUSHING, ...BY_COOKIE } },
  async (scene) => {
    const page = await demo(scene);
    await enter(scene, page, "Register", "ada");
    await happened(page, "Registered");
    await noCookies(page);
    const first = await stored(page);
    const pushed = await newerThan(page, first.generation);
    await happened(page, "Pushed", `generation ${pushed.generation}`);
    await noCookies(page);
    await page.reload();
    await happened(page, "Resumed");
    await noCookies(page);
    assert.equal((await newerThan(page, pushed.generation)).session, first.session);
    const [second] = await scene.tabs(page.context(), 1);
    await together([page, second]);
    assert.equal((await leaders([page, second])).length, 1);
    await noCookies(second);
    await second.getByRole("button", { name: "Log out", exact: true }).click();
    for (const tab of [page, second]) {
      await loggedOut(tab);
      await noCookies(tab);
    }
    await page.reload();
    await page.getByText("Connected", { exact: true }).waitFor();
    await loggedOut(page);
  },
);

scenario("passwords and other devices are managed as elsewhere", { settings: BY_COOKIE }, async (scene) => {
  const laptop = await demo(scene);
  await enter(scene, laptop, "Register", "ada");
  const phone = await demo(scene);
  await submit(phone, "Log in", "ada", "not her password");
  await phone.getByRole("alert").filter({ hasText: "do not belong together" }).waitFor();
  await enter(scene, phone, "Log in", "ada");
  const dialog = laptop.getByRole("dialog", { name: "Change password" });
  await laptop.getByRole("button", { name: "Change password" }).click();
  await dialog.getByLabel("Current password").fill(PASSWORD);
  await dialog.getByLabel("New password").fill("a better password");
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await happened(laptop, "Password changed");
  await happened(phone, "Session over", "password was changed");
  await loggedOut(phone);
  await submit(phone, "Log in", "ada", "a better password");
  await connected(phone);
  await laptop.reload();
  const list = await sessions(laptop, 2);
  await list.getByRole("button", { name: /^Revoke the session/ }).click();
  await loggedOut(phone);
  await laptop.getByRole("button", { name: "Log out everywhere" }).click();
  await loggedOut(laptop);
});

scenario("an open page resumes by itself after kill -9", { settings: BY_COOKIE, tolerate: SERVER_GONE }, async (scene) => {
  const page = await demo(scene);
  await enter(scene, page, "Register", "ada");
  const before = await stored(page);
  await scene.server.kill();
  await page.getByText("Reconnecting").waitFor();
  await scene.server.restart();
  await happened(page, "Resumed");
  assert.equal((await newerThan(page, before.generation)).session, before.session);
  await connected(page);
  await noCookies(page);
});
