// What people do on the demo page, and what they see there.

import assert from "node:assert/strict";

export const PASSWORD = "correct horse battery staple";
/** Where the page keeps its session. */
export const STORED = "handfast:demo";

/** Fills in the form and presses one of its buttons. */
export async function submit(page, button, username, password) {
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: button, exact: true }).click();
}

/** Registers or logs in, and waits for the session. */
export async function enter(scene, page, button, username) {
  scene.secrets.add(PASSWORD);
  await submit(page, button, username, PASSWORD);
  await page.getByRole("heading", { name: username, exact: true }).waitFor();
  await connected(page);
  const { token } = await newerThan(page, -1);
  if (token) scene.secrets.add(token);
}

export async function connected(page) {
  await page.getByRole("button", { name: "Log out", exact: true, disabled: false }).waitFor();
}

/** Waits for a line in the history. */
export async function happened(page, title, text = "") {
  await page.getByRole("log").getByRole("listitem").filter({ hasText: title }).filter({ hasText: text }).first().waitFor();
}

/** Waits until the client has done all that it has begun: it holds this lock for each of its turns, one after the other. */
export function idle(page) {
  return page.evaluate(async (name) => {
    const isBusy = async () => {
      const { held, pending } = await navigator.locks.query();
      return [...held, ...pending].some((lock) => lock.name === name);
    };
    while (await isBusy()) await navigator.locks.request(name, () => {});
  }, `${STORED}:storage`);
}

export async function loggedOut(page) {
  await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
  const isLeader = await page.evaluate(() => document.getElementById("lead").dataset.leader === "true");
  if (isLeader) assert.equal(await stored(page), null, "a logged-out page keeps no token");
  // Whoever is told by another tab may hear of it before seeing it in the storage.
  else await page.waitForFunction((key) => localStorage.getItem(key) === null, STORED);
}

/** What the page keeps of its session. */
export function stored(page) {
  return page.evaluate((key) => JSON.parse(localStorage.getItem(key)), STORED);
}

/** Waits until a generation newer than `generation` is stored and shown. */
export async function newerThan(page, generation) {
  await page.waitForFunction(
    ([known, key]) => {
      const held = JSON.parse(localStorage.getItem(key));
      return held?.generation > known && document.getElementById("generation").textContent === String(held.generation);
    },
    [generation, STORED],
  );
  return stored(page);
}

/** Waits until the list has that many sessions, and gives their lines. */
export async function sessions(page, count) {
  const lines = page.getByRole("region", { name: "Your sessions" }).getByRole("listitem");
  await lines.nth(count - 1).waitFor();
  assert.equal(await lines.count(), count);
  return lines;
}

/** Waits until all of these pages show a live session. */
export async function together(pages) {
  await Promise.all(pages.map(connected));
}

/** Those of these pages that hold a connection. */
export async function leaders(pages) {
  const leading = await Promise.all(pages.map((page) => page.getByText("This tab leads", { exact: true }).isVisible()));
  return pages.filter((_, index) => leading[index]);
}
