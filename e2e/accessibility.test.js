// The demo page for everybody: by keyboard, on a phone, in light and dark.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { connected, enter, happened, loggedOut, newerThan, PASSWORD, sessions, stored } from "./support/demo.js";
import { scenario } from "./support/scenario.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where to keep screenshots, for people who want to look at them. */
const SCREENSHOTS = process.env.HANDFAST_SCREENSHOTS;

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const DESKTOP = { viewport: { width: 1280, height: 800 } };

/** Fails on text that is hard to read, missing names, wrong roles and the like (WCAG 2.2 AA). */
async function accessible(page, moment) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  });
  assert.deepEqual(violations, [], moment);
}

async function fitsItsWidth(page, moment) {
  const [content, viewport] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(content <= viewport, `${moment}: ${content} px wide in ${viewport}`);
}

/** Gives what looks at a page in any moment: whether it fits, whether it is accessible, and how it looks. */
function looking(page, device, colorScheme) {
  return async (moment) => {
    await fitsItsWidth(page, moment);
    await accessible(page, moment);
    if (!SCREENSHOTS) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${device}-${colorScheme}-${moment}.png`), fullPage: true });
  };
}

for (const [device, size] of [
  ["phone", PHONE],
  ["desktop", DESKTOP],
]) {
  for (const colorScheme of ["light", "dark"]) {
    scenario(`on a ${device} in the ${colorScheme} everything is legible and nothing overflows`, {}, async (scene) => {
      const page = await scene.demo({ ...size, colorScheme, reducedMotion: "reduce" });
      const look = looking(page, device, colorScheme);
      await page.getByText("Connected", { exact: true }).waitFor();
      await look("welcome");
      await page.getByLabel("Username").fill("ada");
      await page.getByLabel("Password", { exact: true }).fill("short");
      await page.getByRole("button", { name: "Register" }).click();
      await page.getByRole("alert").filter({ hasText: "short" }).waitFor();
      await look("refused");

      const name = "a-username-of-sixty-four-characters-is-as-long-as-it-may-ever-be";
      await enter(scene, page, "Register", name);
      const other = await scene.demo();
      await enter(scene, other, "Log in", name);
      await page.reload();
      await connected(page);
      await sessions(page, 2);
      await look("session");
      await page.getByRole("button", { name: "Change password" }).click();
      await look("password");
      await page.keyboard.press("Escape");

      await page.getByRole("button", { name: "Copy the token and try it elsewhere" }).click();
      await happened(page, "Copy refused");
      await look("copied");
      await other.getByRole("button", { name: "Log out everywhere" }).click();
      await happened(page, "Session over");
      await loggedOut(page);
      await look("ended");
    });
  }
}

for (const [device, size, colorScheme] of [
  ["phone", PHONE, "dark"],
  ["desktop", DESKTOP, "light"],
]) {
  const settings = { HANDFAST_DELIVERY: "cookie" };
  scenario(`on a ${device} in the ${colorScheme} cookie delivery is legible, too`, { settings }, async (scene) => {
    const page = await scene.demo({ ...size, colorScheme, reducedMotion: "reduce" });
    const look = looking(page, device, colorScheme);
    await enter(scene, page, "Register", "ada");
    await look("cookie");
    await page.getByRole("button", { name: "Look for a token to copy" }).click();
    await happened(page, "Nothing to copy");
    await look("cookie-copied");
  });
}

scenario("the keyboard is enough", {}, async (scene) => {
  scene.secrets.add(PASSWORD);
  const page = await scene.demo();
  const keys = new Keys(page);
  await page.getByText("Connected", { exact: true }).waitFor();
  await keys.tabTo("Username");
  await page.keyboard.type("ada");
  await keys.tabTo("Password");
  await page.keyboard.type(PASSWORD);
  await keys.tabTo("Show");
  await page.keyboard.press("Space");
  assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), PASSWORD);
  assert.equal(await page.getByLabel("Password", { exact: true }).getAttribute("type"), "text");
  await keys.tabTo("Register");
  await page.keyboard.press("Enter");
  await connected(page);
  assert.equal(await keys.focused(), "ada", "the focus follows to the session");

  await keys.tabTo("Refresh now");
  await page.keyboard.press("Enter");
  await newerThan(page, 0);

  const other = await scene.demo();
  await enter(scene, other, "Log in", "ada");
  await keys.tabTo("Change password");
  await page.keyboard.press("Enter");
  await keys.tabTo("Current password");
  await page.keyboard.press("Escape");
  assert.equal(await keys.focused(), "Change password", "the focus returns from the dialog");

  await page.reload();
  await sessions(page, 2);
  await keys.tabTo(/^Revoke the session of Chrome on Linux/);
  await page.keyboard.press("Enter");
  await happened(page, "Revoked");
  await loggedOut(other);
  await page.getByRole("region", { name: "Your sessions" }).getByRole("listitem").nth(1).waitFor({ state: "detached" });
  await sessions(page, 1);
  assert.equal(await keys.focused(), "ada", "the focus stays near a row that went away");

  await keys.tabTo("Log out");
  await page.keyboard.press("Enter");
  await loggedOut(page);
  assert.match(await keys.focused(), /Log in once/);
  assert.equal(await stored(page), null);
});

class Keys {
  #page;

  constructor(page) {
    this.#page = page;
  }

  /** The name of what has the focus. */
  focused() {
    return this.#page.evaluate(() => {
      const element = document.activeElement;
      return element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent;
    });
  }

  /** Presses Tab until that name has the focus, which must be visible at every step. */
  async tabTo(name) {
    const seen = [];
    for (let steps = 0; steps < 20; steps += 1) {
      await this.#page.keyboard.press("Tab");
      const focused = await this.focused();
      if (focused === "" || (await this.#page.evaluate(() => document.activeElement === document.body))) continue;
      seen.push(focused);
      const outline = await this.#page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, "none", `the focus on ${focused} is invisible`);
      if (name instanceof RegExp ? name.test(focused) : name === focused) return;
    }
    assert.fail(`Tab does not lead to ${name}, only to ${seen.join(", ")}`);
  }
}
