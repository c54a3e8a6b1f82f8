// The demo page against a real server.

import assert from "node:assert/strict";
import { connected, enter, happened, loggedOut, newerThan, PASSWORD, STORED, sessions, stored, submit } from "./support/demo.js";
import { scenario, SERVER_GONE } from "./support/scenario.js";
import { PUSHING, SHORT_LIVED } from "./support/server.js";

scenario("a new user registers, comes back after a reload, and logs out", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  await happened(page, "Registered");
  const first = await stored(page);
  assert.equal(first.generation, 0);
  await page.getByText(first.session).waitFor();

  await page.reload();
  await happened(page, "Resumed");
  const second = await newerThan(page, first.generation);
  assert.equal(second.session, first.session);
  assert.notEqual(second.token, first.token);
  assert.ok(!(await page.content()).includes(second.token), "the token is never shown");

  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await happened(page, "Logged out");
  await loggedOut(page);
  await page.reload();
  await page.getByText("Connected", { exact: true }).waitFor();
  await loggedOut(page);
});

scenario("whoever logs in for the first time is registered, and is known afterwards", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Log in", "grace");
  await happened(page, "Registered");
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await loggedOut(page);
  await enter(scene, page, "Log in", "grace");
  await happened(page, "Logged in");
});

scenario("whoever logs in next sees their own sessions, and none of whoever was there before", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  await sessions(page, 1);
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await loggedOut(page);
  await enter(scene, page, "Register", "bob");
  const { session } = await stored(page);
  const list = await sessions(page, 1);
  assert.equal(await list.getAttribute("data-session"), session);
});

for (const [lives, settings] of [
  ["that last five minutes", PUSHING],
  ["that last twenty seconds", SHORT_LIVED],
]) {
  scenario(`the heartbeat replaces tokens ${lives}, and the newest one resumes`, { settings }, async (scene) => {
    const page = await scene.demo();
    await enter(scene, page, "Register", "ada");
    await page.getByRole("timer", { name: "Time until the next token" }).filter({ hasText: /0:\d\d/ }).waitFor();
    const first = await stored(page);
    const second = await newerThan(page, first.generation);
    await happened(page, "Pushed", `generation ${second.generation}`);
    const third = await newerThan(page, second.generation);
    assert.equal(third.session, first.session);

    await page.reload();
    await happened(page, "Resumed");
    await newerThan(page, third.generation);
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await loggedOut(page);
  });
}

scenario("people may refresh without waiting for the heartbeat", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  for (const generation of [1, 2]) {
    await page.getByRole("button", { name: "Refresh now" }).click();
    await happened(page, "Refreshed", `generation ${generation}`);
  }
  assert.equal((await stored(page)).generation, 2);
});

scenario("an open page resumes by itself after kill -9", { tolerate: SERVER_GONE }, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  const before = await stored(page);

  await scene.server.kill();
  await page.getByText("Reconnecting").waitFor();
  await happened(page, "Connection lost");
  assert.deepEqual(await stored(page), before);

  await scene.server.restart();
  await happened(page, "Resumed");
  const afterwards = await newerThan(page, before.generation);
  assert.equal(afterwards.session, before.session);
  await connected(page);
});

scenario(
  "an open page follows a server that drains and starts again",
  { settings: { HANDFAST_DRAIN__SPREAD: "1s" }, tolerate: SERVER_GONE },
  async (scene) => {
    const page = await scene.demo();
    await enter(scene, page, "Register", "ada");
    const before = await stored(page);
    await scene.server.stop();
    await happened(page, "Connection lost");
    await scene.server.restart();
    await happened(page, "Resumed");
    assert.equal((await newerThan(page, before.generation)).session, before.session);
  },
);

scenario("the page runs under a strict Content-Security-Policy", {}, async (scene) => {
  const page = await scene.device();
  const response = await page.goto(scene.server.url);
  const policy = response.headers()["content-security-policy"].split("; ");
  assert.ok(policy.includes("default-src 'none'"));
  assert.ok(policy.includes("script-src 'self'"));
  assert.ok(!policy.join().includes("unsafe"));
});

scenario("what that policy forbids does not happen, and these tests would notice", { tolerate: /img-src/ }, async (scene) => {
  const page = await scene.demo();
  const complaint = page.waitForEvent("console", (message) => message.text() === "CSP: img-src");
  await page.evaluate(
    () =>
      new Promise((refused) => {
        const image = new Image();
        image.onerror = refused;
        image.src = "https://static.example.com/pixel.png";
      }),
  );
  await complaint;
  assert.ok(scene.complaints.includes("CSP: img-src"), scene.complaints.join());
});

scenario("revoking another device logs it out and tells it why", {}, async (scene) => {
  const laptop = await scene.demo();
  await enter(scene, laptop, "Register", "ada");
  const phone = await scene.demo({
    userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1",
  });
  await enter(scene, phone, "Log in", "ada");
  const revoked = await stored(phone);

  await laptop.reload();
  const list = await sessions(laptop, 2);
  await list.filter({ hasText: "Chrome on Linux" }).filter({ hasText: "This one" }).waitFor();
  const other = list.filter({ hasText: "Safari on iOS" });
  await other.filter({ hasText: "online" }).filter({ hasText: "127.0.0.1" }).waitFor();
  await other.getByRole("button", { name: /^Revoke the session of Safari on iOS/ }).click();

  await phone.getByRole("status").filter({ hasText: "logged out from another device" }).waitFor();
  await loggedOut(phone);
  await happened(laptop, "Revoked");
  await other.waitFor({ state: "detached" });
  await sessions(laptop, 1);

  await phone.evaluate(([key, held]) => localStorage.setItem(key, JSON.stringify(held)), [STORED, revoked]);
  await phone.reload();
  await happened(phone, "Session over", "revoked");
  await loggedOut(phone);
});

scenario("logging out everywhere ends the sessions of all devices", {}, async (scene) => {
  const laptop = await scene.demo();
  await enter(scene, laptop, "Register", "ada");
  const phone = await scene.demo();
  await enter(scene, phone, "Log in", "ada");
  await phone.getByRole("button", { name: "Log out everywhere" }).click();
  await loggedOut(phone);
  await happened(laptop, "Session over");
  await loggedOut(laptop);
});

scenario("a wrong password shows an error and changes nothing", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  const stranger = await scene.demo();
  await submit(stranger, "Log in", "ada", "not her password");
  await stranger.getByRole("alert").filter({ hasText: "do not belong together" }).waitFor();
  await loggedOut(stranger);
  assert.equal(await stranger.getByLabel("Password", { exact: true }).getAttribute("aria-invalid"), "true");

  await page.reload();
  await sessions(page, 1);
  await enter(scene, stranger, "Log in", "ada");
});

scenario("a taken username and a short password are refused by name", {}, async (scene) => {
  const page = await scene.demo();
  await submit(page, "Register", "ada", "short");
  await page.getByRole("alert").filter({ hasText: "too short" }).waitFor();
  await enter(scene, page, "Register", "ada");
  const stranger = await scene.demo();
  await submit(stranger, "Register", "ada", "another password");
  await stranger.getByRole("alert").filter({ hasText: "taken" }).waitFor();
  await loggedOut(stranger);
});

scenario("changing the password logs the other devices out, and a wrong one does not", {}, async (scene) => {
  const laptop = await scene.demo();
  await enter(scene, laptop, "Register", "ada");
  const phone = await scene.demo();
  await enter(scene, phone, "Log in", "ada");

  const dialog = laptop.getByRole("dialog", { name: "Change password" });
  await laptop.getByRole("button", { name: "Change password" }).click();
  await dialog.getByLabel("Current password").fill("not her password");
  await dialog.getByLabel("New password").fill("a better password");
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await dialog.getByRole("alert").filter({ hasText: "not your current password" }).waitFor();
  await phone.reload();
  await happened(phone, "Resumed");

  await dialog.getByLabel("Current password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await happened(laptop, "Password changed");
  await happened(phone, "Session over", "password was changed");
  await loggedOut(phone);
  await connected(laptop);
  await submit(phone, "Log in", "ada", "a better password");
  await connected(phone);
});
