// A page that speaks the plain framing, served from an origin of its own.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after } from "node:test";
import { scenario, SERVER_GONE } from "./support/scenario.js";
import { PUSHING, SHORT_LIVED } from "./support/server.js";

const PASSWORD = "an old and simple password";

const html = await readFile(new URL("plain.html", import.meta.url));
const pages = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(html));
await once(pages.listen(0, "127.0.0.1"), "listening");
after(() => pages.close());
const origin = `http://127.0.0.1:${pages.address().port}`;

/** A scenario on the plain page, which must understand everything that it is told. */
function plainly(sentence, { settings, tolerate }, body) {
  const allowed = { HANDFAST_ALLOWED_ORIGINS: origin, ...settings };
  scenario(sentence, { settings: allowed, tolerate }, async (scene) => {
    scene.secrets.add(PASSWORD);
    const page = await open(scene);
    await says(page, "connected");
    await body(page, scene);
    assert.deepEqual(await page.locator("#errors li").allTextContents(), []);
  });
}

async function open(scene) {
  const page = await scene.device();
  const endpoint = new URL("ws/", scene.server.url.replace("http", "ws"));
  await page.goto(`${origin}/?server=${encodeURIComponent(endpoint)}`);
  return page;
}

async function logIn(page, password = PASSWORD) {
  await page.getByLabel("Username").fill("ada");
  await page.getByLabel("Password").fill(password);
  await press(page, "Log in");
}

function press(page, name) {
  return page.getByRole("button", { name }).click();
}

/** Waits until the page says what it heard last. */
function says(page, text) {
  return page.locator("#state").getByText(text, { exact: true }).waitFor();
}

/** The token that the page received as the one of that number since it was loaded, when it has come. */
async function received(page, number) {
  // A script's `const` is not a property of the page, but any other script sees it.
  const found = await page.waitForFunction((index) => tokens[index], number - 1);
  return found.jsonValue();
}

function token(page) {
  return page.evaluate(() => localStorage.getItem("token"));
}

/** Reloads the page with this token as the stored one. */
async function reloadWith(page, held) {
  await page.evaluate((value) => localStorage.setItem("token", value), held);
  await page.reload();
}

plainly("the first login registers, later ones succeed, and a wrong password does not", {}, async (page, scene) => {
  await logIn(page);
  await says(page, "Registered");
  const other = await open(scene);
  await says(other, "connected");
  await logIn(other, "not her password");
  await says(other, "InvalidPassword");
  assert.equal(await token(other), null);
  await logIn(other);
  await says(other, "Success");
});

plainly("reloads are survived, each with another token", {}, async (page) => {
  await logIn(page);
  const tokens = [await received(page, 1)];
  for (let reloads = 0; reloads < 3; reloads += 1) {
    await page.reload();
    tokens.push(await received(page, 1));
  }
  assert.equal(new Set(tokens).size, tokens.length);
});

for (const [lives, settings] of [
  ["minutes", PUSHING],
  ["seconds", SHORT_LIVED],
]) {
  plainly(`pushes of tokens that last ${lives} are survived without an acknowledgement`, { settings }, async (page) => {
    await logIn(page);
    const pushed = [await received(page, 1), await received(page, 2), await received(page, 3)];
    assert.equal(new Set(pushed).size, 3);
    await page.reload();
    assert.ok(!pushed.includes(await received(page, 1)));
  });
}

plainly("a token may be refreshed on the live connection", {}, async (page) => {
  await logIn(page);
  const first = await received(page, 1);
  await press(page, "Refresh");
  const second = await received(page, 2);
  assert.notEqual(second, first);
  await page.reload();
  await received(page, 1);
});

plainly("a dead token is refused, and so is the session of which it was", {}, async (page, scene) => {
  await logIn(page);
  const dead = await received(page, 1);
  await press(page, "Refresh");
  await received(page, 2);
  await press(page, "Refresh");
  const live = await received(page, 3);

  const thief = await open(scene);
  await says(thief, "connected");
  await reloadWith(thief, dead);
  await says(thief, "InvalidToken");
  assert.equal(await token(thief), null);
  await says(page, "InvalidToken");
  assert.equal(await token(page), null);
  await reloadWith(page, live);
  await says(page, "InvalidToken");
});

plainly("after a logout the token is dead", {}, async (page) => {
  await press(page, "Log out");
  await says(page, "NotLoggedIn");
  await logIn(page);
  const held = await received(page, 1);
  await logIn(page);
  await says(page, "AlreadyAuthorized ada");
  await press(page, "Log out");
  await says(page, "LoggedOut");
  await press(page, "Log out");
  await says(page, "NotLoggedIn");
  await reloadWith(page, held);
  await says(page, "InvalidToken");
  await logIn(page);
  await says(page, "Success");
});

plainly("the page comes back one second after kill -9", { tolerate: SERVER_GONE }, async (page, scene) => {
  await logIn(page);
  const first = await received(page, 1);
  await scene.server.kill();
  await says(page, "closed 1006");
  await scene.server.restart();
  const second = await received(page, 2);
  assert.notEqual(second, first);
});
