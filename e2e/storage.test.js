// Browsers whose storage is full, blocked, or wiped in the middle of a session: nobody is left half logged in.

import assert from "node:assert/strict";
import { any, BLANK, BROKEN, blank, connect, granted, PASSWORD, reached, refusal, statuses } from "./support/client.js";
import { scenario } from "./support/scenario.js";
import { PUSHING } from "./support/server.js";

/** A page with a client in it, and what happens to its storage before that. */
function stored(sentence, { settings, options, before }, body) {
  scenario(sentence, { settings, tolerate: any(BLANK, BROKEN) }, async (scene) => {
    scene.secrets.add(PASSWORD);
    const context = (await scene.device()).context();
    if (before) await context.addInitScript(before);
    const { page } = await blank(scene, { context });
    await connect(page, options);
    await body(page, scene);
    assert.ok((await page.evaluate(() => globalThis.states.length)) < 30, "it goes round no loop");
  });
}

/** Fills `localStorage` to the last character. */
function fill(page) {
  return page.evaluate(() => {
    for (let size = 1 << 20; size >= 1; size >>= 1) {
      for (let count = 0; ; count += 1) {
        try {
          localStorage.setItem(`filler-${size}-${count}`, "x".repeat(size));
        } catch {
          break;
        }
      }
    }
  });
}

/** The session is over on both sides: the page says why, and another device sees no session of it. */
async function over(page, scene, reason) {
  const state = await reached(page, "logged-out");
  assert.equal(state.reason, reason);
  const other = await blank(scene);
  await connect(other.page);
  await granted(other.page, "login", "ada", PASSWORD);
  const sessions = await other.page.evaluate(() => globalThis.session.sessions());
  assert.equal(sessions.length, 1, "its own");
}

stored("a login that a full storage cannot take is refused", {}, async (page, scene) => {
  await fill(page);
  assert.equal(await refusal(page, "register", "ada", PASSWORD), "storage");
  await over(page, scene, "storage");
  await page.evaluate(() => localStorage.clear());
  await granted(page, "login", "ada", PASSWORD);
  await reached(page, "authenticated");
});

stored(
  "a storage that is full in the middle of a session ends it, with a reason",
  { options: { keys: false } },
  async (page, scene) => {
    await granted(page, "register", "ada", PASSWORD);
    await fill(page);
    // Its attempt key has no place any more.
    assert.equal(await refusal(page, "refresh"), "storage");
    await over(page, scene, "storage");
  },
);

stored(
  "a storage that is blocked in the middle of a session ends it, with a reason",
  { settings: PUSHING },
  async (page, scene) => {
    await granted(page, "register", "ada", PASSWORD);
    await page.evaluate(() => {
      const blocked = () => {
        throw new DOMException("blocked", "SecurityError");
      };
      for (const name of ["getItem", "setItem", "removeItem"]) Storage.prototype[name] = blocked;
    });
    await over(page, scene, "storage");
  },
);

stored("a storage that another tab wipes ends the session at once, with a reason", {}, async (page, scene) => {
  await granted(page, "register", "ada", PASSWORD);
  const { page: other } = await blank(scene, { context: page.context() });
  await other.evaluate(() => localStorage.clear());
  await over(page, scene, "storage");
  await granted(page, "login", "ada", PASSWORD);
});

stored(
  "a storage that the page itself wipes ends the session with the next push, with a reason",
  { settings: PUSHING },
  async (page, scene) => {
    await granted(page, "register", "ada", PASSWORD);
    await page.evaluate(() => localStorage.clear());
    await over(page, scene, "storage");
  },
);

stored("site data that a person clears, keys and all, ends the session with a reason", { settings: PUSHING }, async (page, scene) => {
  await granted(page, "register", "ada", PASSWORD);
  const tools = await page.context().newCDPSession(page);
  // Behind a push, so that none is being stored just then.
  await reached(page, "authenticated", 1);
  await tools.send("Storage.clearDataForOrigin", { origin: new URL(scene.server.url).origin, storageTypes: "all" });
  await over(page, scene, "storage");
});

stored("a session whose key was wiped is over with the next presentation, with a reason", {}, async (page, scene) => {
  await granted(page, "register", "ada", PASSWORD);
  const tools = await page.context().newCDPSession(page);
  await tools.send("Storage.clearDataForOrigin", { origin: new URL(scene.server.url).origin, storageTypes: "indexeddb" });
  assert.equal(await refusal(page, "refresh"), "key_lost");
  await over(page, scene, "key_lost");
});

stored(
  "where a browser forbids storage, a session lives in memory",
  {
    before: () => {
      const forbidden = {
        get() {
          throw new DOMException("forbidden", "SecurityError");
        },
      };
      for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(globalThis, name, forbidden);
      Object.defineProperty(globalThis, "indexedDB", { value: undefined });
      LockManager.prototype.request = async () => {
        throw new DOMException("forbidden", "SecurityError");
      };
    },
  },
  async (page) => {
    await granted(page, "register", "ada", PASSWORD);
    await granted(page, "refresh");
    const { bound, generation } = await reached(page, "authenticated", 1);
    assert.deepEqual([bound, generation], ["attempt", 1]);
    assert.ok(!(await statuses(page)).includes("logged-out"));
  },
);

stored("a listener that throws stops nobody, and the page's error event tells of it", {}, async (page) => {
  const told = await page.evaluate(async (password) => {
    const errors = [];
    addEventListener("error", (event) => {
      event.preventDefault();
      errors.push(event.message);
    });
    addEventListener("unhandledrejection", () => errors.push("a rejection that nobody handles"));
    globalThis.session.on("state", () => {
      throw new Error("in the program");
    });
    await globalThis.session.register("ada", password);
    void globalThis.session.send("a frame that nobody takes");
    await globalThis.session.sessions();
    return errors;
  }, PASSWORD);
  assert.ok(told.length >= 2, "one for each state");
  assert.ok(told.every((message) => message.includes("in the program")), told.join());
});
