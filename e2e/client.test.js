// What the demo page's client does when things go wrong, on a clock that the test turns.

import assert from "node:assert/strict";
import { connected, happened, idle, loggedOut, STORED, stored } from "./support/demo.js";
import { scenario } from "./support/scenario.js";
import { grant, kept, Script } from "./support/script.js";

const LONGEST_BACKOFF_MS = 31_000;
const ANSWER_TIMEOUT_MS = 15_000;
const A_WHILE_MS = 300_000;

/** A page with generation 4 in storage, and the server's side of its connections. */
function played(sentence, body) {
  scenario(sentence, {}, async (scene) => {
    const localStorage = [{ name: STORED, value: JSON.stringify(kept(grant(4))) }];
    const origins = [{ origin: new URL(scene.server.url).origin, localStorage }];
    const page = await scene.device({ storageState: { cookies: [], origins } });
    const start = Date.now();
    await page.clock.install({ time: start });
    await page.clock.pauseAt(start + 60_000);
    const script = await Script.play(page);
    await page.goto(scene.server.url);
    await body(page, script);
  });
}

/**
 * Turns the clock at once to when that has passed. Whatever the page is still doing then would set its timers anew, at a
 * time that is over: so it finishes first.
 */
async function later(page, ms) {
  await idle(page);
  await page.clock.fastForward(ms);
  await idle(page);
}

/** Lets that pass one moment after the other, as for a page that is awake. */
async function meanwhile(page, ms) {
  await idle(page);
  await page.clock.runFor(ms);
  await idle(page);
}

function store(page, granted) {
  return page.evaluate(([key, held]) => localStorage.setItem(key, JSON.stringify(held)), [STORED, kept(granted)]);
}

/** Lets the page resume on a connection, and gives what it presented. */
async function resume(page, connection, generation) {
  const presented = await connection.next("RefreshToken");
  connection.answer(presented, { type: "Success", ...grant(generation) });
  await connected(page);
  return presented;
}

for (const code of [1001, 1011, 1013, 3000, 4408, 4429]) {
  played(`after a close with ${code} the page comes back by itself`, async (page, script) => {
    const first = await script.connection(1);
    await resume(page, first, 5);
    await first.close(code);
    await happened(page, "Connection lost");
    await later(page, LONGEST_BACKOFF_MS);
    await resume(page, await script.connection(2), 6);
  });
}

for (const code of [1000, 1002, 1007, 1009, 4400]) {
  played(`after a close with ${code} the page stays away until it is asked`, async (page, script) => {
    const first = await script.connection(1);
    await resume(page, first, 5);
    await first.close(code);
    await happened(page, "Stopped", String(code));
    await later(page, A_WHILE_MS);
    assert.equal(script.connections.length, 1);
    await page.getByRole("button", { name: "Connect now" }).click();
    await resume(page, await script.connection(2), 6);
  });
}

played("after a close with 4409 the page stays away until it is asked", async (page, script) => {
  const first = await script.connection(1);
  await resume(page, first, 5);
  await first.close(4409);
  await happened(page, "Superseded");
  await later(page, A_WHILE_MS);
  assert.equal(script.connections.length, 1);
  assert.equal((await stored(page)).generation, 5);
  await page.getByRole("button", { name: "Use here" }).click();
  await resume(page, await script.connection(2), 6);
});

for (const [code, reason, sentence] of [
  [4403, "admin", "administrator"],
  [4403, "limit", "too many sessions"],
  [4410, "expired", "time limit"],
]) {
  played(`after a close with ${code} (${reason}) the token is forgotten`, async (page, script) => {
    const first = await script.connection(1);
    await resume(page, first, 5);
    await first.close(code, reason);
    await page.getByText("Reconnecting").waitFor();
    await later(page, LONGEST_BACKOFF_MS);
    await script.connection(2);
    await happened(page, "Session over", sentence);
    await loggedOut(page);
  });
}

played("a lost connection is told once, however often the page tries again", async (page, script) => {
  await resume(page, await script.connection(1), 5);
  script.refuse = true;
  await script.connections[0].close(1011);
  for (let tries = 2; tries <= 5; tries += 1) {
    await page.getByText("Reconnecting").waitFor();
    await later(page, LONGEST_BACKOFF_MS);
    await script.connection(tries);
  }
  script.refuse = false;
  await page.getByText("Reconnecting").waitFor();
  await later(page, LONGEST_BACKOFF_MS);
  await resume(page, await script.connection(6), 6);
  assert.equal(await page.getByText("Connection lost").count(), 1);
});

played("a draining server says when to come back", async (page, script) => {
  const first = await script.connection(1);
  await resume(page, first, 5);
  first.send({ type: "Closing", reconnect_after: 40 });
  await first.close(1001);
  await happened(page, "Connection lost");
  await meanwhile(page, 39_999);
  assert.equal(script.connections.length, 1);
  await meanwhile(page, 1_001);
  await resume(page, await script.connection(2), 6);
});

played("a presentation whose answer was lost is repeated under the same attempt key", async (page, script) => {
  const first = await (await script.connection(1)).next("RefreshToken");
  await page.reload();
  const second = await (await script.connection(2)).next("RefreshToken");
  await later(page, ANSWER_TIMEOUT_MS);
  await page.getByText("Reconnecting").waitFor();
  await later(page, LONGEST_BACKOFF_MS);
  const third = await resume(page, await script.connection(3), 5);
  assert.equal(first.token, grant(4).token);
  assert.ok(first.attempt);
  for (const again of [second, third]) {
    assert.equal(again.token, first.token);
    assert.equal(again.attempt, first.attempt);
  }
  await page.reload();
  const next = await resume(page, await script.connection(4), 6);
  assert.notEqual(next.attempt, first.attempt, "the next generation has a key of its own");
});

played("a stale token is presented once more under another attempt key, and then forgotten", async (page, script) => {
  const connection = await script.connection(1);
  const first = await connection.next("RefreshToken");
  connection.answer(first, { type: "InvalidToken", reason: "stale" });
  const second = await connection.next("RefreshToken");
  assert.equal(second.token, first.token);
  assert.notEqual(second.attempt, first.attempt);
  connection.answer(second, { type: "InvalidToken", reason: "stale" });
  await happened(page, "Session over");
  await loggedOut(page);
});

played("a stale token gives way to the newer one of another tab", async (page, script) => {
  const connection = await script.connection(1);
  const first = await connection.next("RefreshToken");
  await store(page, grant(6));
  connection.answer(first, { type: "InvalidToken", reason: "stale" });
  const second = await resume(page, connection, 7);
  assert.equal(second.token, grant(6).token);
  assert.notEqual(second.attempt, first.attempt);
});

played("only a newer generation of the same session is stored, and then acknowledged", async (page, script) => {
  const connection = await script.connection(1);
  await resume(page, connection, 5);
  assert.equal((await connection.next("Ack")).generation, 5);
  connection.send({ type: "Success", ...grant(3) });
  connection.send({ type: "Success", ...grant(9, "another-session") });
  connection.sendFrame("hello");
  connection.sendFrame(`@@${JSON.stringify({ type: "Success", ...grant(8) })}`);
  connection.send({ type: "Success", ...grant(6) });
  assert.equal((await connection.next("Ack")).generation, 6);
  assert.equal((await stored(page)).token, grant(6).token);
});

for (const type of ["TooManyRequests", "Unavailable"]) {
  played(`where a presentation is answered with ${type} it is repeated when the server says`, async (page, script) => {
    const connection = await script.connection(1);
    const first = await connection.next("RefreshToken");
    connection.answer(first, { type, retry_after: 3 });
    await meanwhile(page, 2_999);
    assert.ok(!connection.has("RefreshToken"), "not before that");
    await meanwhile(page, 1);
    const second = await resume(page, connection, 5);
    assert.equal(second.attempt, first.attempt);
    assert.equal(script.connections.length, 1);
  });
}

played("a logout that was not stored keeps the session", async (page, script) => {
  const connection = await script.connection(1);
  await resume(page, connection, 5);
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  connection.answer(await connection.next("Logout"), { type: "Unavailable", retry_after: 1 });
  await happened(page, "Refused", "cannot store anything");
  await connected(page);
  assert.equal((await stored(page)).generation, 5);
});
