// What a copied token is worth, against a real server.

import assert from "node:assert/strict";
import { connected, enter, happened, loggedOut, newerThan, STORED, stored } from "./support/demo.js";
import { scenario } from "./support/scenario.js";

const COPY = { name: "Copy the token and try it elsewhere" };

/** A browser that keeps no keys. */
function withoutKeys() {
  Object.defineProperty(globalThis, "indexedDB", { value: undefined });
}

scenario("a session is bound to a key that no script can read out", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  await page.getByText("Key-bound", { exact: true }).waitFor();
  assert.equal((await stored(page)).bound, "key");
  const isExtractable = await page.evaluate(async () => {
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open("handfast"));
    const [pair] = await done(database.transaction("keys").objectStore("keys").getAll());
    database.close();
    return pair.privateKey.extractable;
  });
  assert.equal(isExtractable, false);
  await page.reload();
  await happened(page, "Resumed");
});

scenario("a copied token is refused without its key, and the owner notices nothing", {}, async (scene) => {
  const page = await scene.demo();
  await enter(scene, page, "Register", "ada");
  const before = await stored(page);
  await page.getByRole("button", COPY).click();
  await happened(page, "Copy refused", "proof_required");
  await connected(page);
  assert.deepEqual(await stored(page), before);
  await page.getByRole("button", { name: "Refresh now" }).click();
  await newerThan(page, before.generation);
});

scenario("a token that is copied into another browser profile is refused, and its owner notices nothing", {}, async (scene) => {
  const owner = await scene.demo();
  await enter(scene, owner, "Register", "ada");
  let connections = 0;
  owner.on("websocket", () => (connections += 1));
  const before = await stored(owner);
  const told = await owner.getByRole("log").innerText();

  // The thief is somebody here, and so has a key of their own.
  const thief = await scene.demo();
  await enter(scene, thief, "Register", "mallory");
  const answer = await thief.evaluate(async (token) => {
    const { presentElsewhere } = await import("/demo/copy.js");
    return presentElsewhere(new URL("/ws/", location.href.replace("http", "ws")), token);
  }, before.token);
  assert.deepEqual([answer.type, answer.reason], ["InvalidToken", "proof_required"]);
  // Neither do an attempt key and a proof by that other key help.
  await thief.evaluate(([key, held]) => localStorage.setItem(key, JSON.stringify(held)), [STORED, { ...before, bound: "attempt" }]);
  await thief.reload();
  await happened(thief, "Session over", "a key that this browser no longer has");
  await loggedOut(thief);

  await connected(owner);
  assert.deepEqual(await stored(owner), before);
  assert.equal(await owner.getByRole("log").innerText(), told);
  assert.equal(connections, 0, "the connection is the one of before");
  await owner.getByRole("button", { name: "Refresh now" }).click();
  assert.equal((await newerThan(owner, before.generation)).session, before.session);
});

scenario("a session that is copied into another browser is refused there, and goes on here", {}, async (scene) => {
  const owner = await scene.demo();
  await enter(scene, owner, "Register", "ada");
  const before = await stored(owner);
  const thief = await scene.demo({ storageState: await owner.context().storageState() });
  await happened(thief, "Session over", "a key that this browser no longer has");
  await loggedOut(thief);
  await connected(owner);
  await owner.reload();
  await happened(owner, "Resumed");
  assert.equal((await newerThan(owner, before.generation)).session, before.session);
});

scenario("without keys a copied token is found out, and ends the session for both", {}, async (scene) => {
  const owner = await scene.device();
  await owner.addInitScript(withoutKeys);
  await owner.goto(scene.server.url);
  await enter(scene, owner, "Register", "ada");
  await owner.getByText("Attempt keys", { exact: true }).waitFor();
  await owner.reload();
  await happened(owner, "Resumed");
  await owner.getByRole("button", COPY).click();
  await happened(owner, "Copy accepted", "notices two parties");
  await owner.getByRole("button", { name: "Use here" }).click();
  await happened(owner, "Session over", "Two parties");
  await loggedOut(owner);
});

scenario("without keys a copied session is found out, and ends for both", {}, async (scene) => {
  const owner = await scene.device();
  await owner.addInitScript(withoutKeys);
  await owner.goto(scene.server.url);
  await enter(scene, owner, "Register", "ada");
  const thief = await scene.device({ storageState: await owner.context().storageState() });
  await thief.addInitScript(withoutKeys);
  await thief.goto(scene.server.url);
  await connected(thief);
  await owner.getByRole("button", { name: "Use here" }).click();
  await happened(owner, "Session over", "Two parties");
  await loggedOut(owner);
  await happened(thief, "Session over", "Two parties");
  await loggedOut(thief);
});
