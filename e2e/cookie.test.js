// Delivery in a cookie, by the SDK in a real browser: no script ever sees a token.

import assert from "node:assert/strict";
import { any, BLANK, BROKEN, blank, connect, granted, PASSWORD, reached, refusal, statuses } from "./support/client.js";
import { PARTS, Proxy } from "./support/proxy.js";
import { scenario } from "./support/scenario.js";
import { PUSHING } from "./support/server.js";

const BY_COOKIE = { HANDFAST_DELIVERY: "cookie" };
const PUSHED = { ...PUSHING, ...BY_COOKIE };
const OPTIONS = { delivery: "cookie" };

/** A page of a server that delivers in a cookie, and its client. */
function byCookie(sentence, { settings = BY_COOKIE, tolerate = BLANK }, body) {
  scenario(sentence, { settings, tolerate }, async (scene) => {
    scene.secrets.add(PASSWORD);
    const { page, frames } = await blank(scene);
    await connect(page, OPTIONS);
    await body(page, scene, frames);
  });
}

/** The same, behind a network that can be cut. */
function behindProxy(sentence, { settings = BY_COOKIE }, body) {
  scenario(sentence, { settings, tolerate: any(BLANK, BROKEN) }, async (scene) => {
    const proxy = await Proxy.to(scene.server.url);
    try {
      const { page } = await blank(scene, { url: proxy.url });
      await connect(page, OPTIONS);
      await body(page, proxy, scene);
      await page.context().close();
    } finally {
      await proxy.dispose();
    }
  });
}

async function cookie(page) {
  const cookies = await page.context().cookies();
  return cookies.find(({ name }) => name === "__Host-handfast");
}

/** What any script of the page can read. */
function readable(page) {
  return page.evaluate(() => ({ cookie: document.cookie, stored: JSON.stringify({ ...localStorage, ...sessionStorage }) }));
}

async function reload(page) {
  await page.reload();
  await connect(page, OPTIONS);
}

byCookie("a session in a cookie is pushed to and comes back, and no script sees its token", { settings: PUSHED }, async (page, scene, frames) => {
  const tokens = [];
  const look = async () => {
    const seen = await readable(page);
    assert.equal(seen.cookie, "", "document.cookie is empty");
    const held = await cookie(page);
    if (held) tokens.push(held.value);
    for (const text of [seen.stored, ...frames]) assert.ok(!tokens.some((token) => text.includes(token)), text);
  };
  await look();
  await granted(page, "register", "ada", PASSWORD);
  await look();
  const first = await cookie(page);
  assert.deepEqual([first.httpOnly, first.secure, first.sameSite, first.path], [true, true, "Strict", "/"]);
  // One more than the next, whose cookie may be there already.
  const { generation } = await reached(page, "authenticated");
  const pushed = await reached(page, "authenticated", generation + 2);
  await look();
  assert.notEqual((await cookie(page)).value, first.value, "pushes replaced the cookie without a reconnection");
  assert.equal(scene.connections, 1);
  await reload(page);
  await look();
  const back = await reached(page, "authenticated", pushed.generation + 1);
  await look();
  assert.equal(back.session, pushed.session);
  const cleared = page.waitForResponse((response) => response.request().method() === "DELETE");
  await granted(page, "logout");
  await cleared;
  await look();
  assert.ok(tokens.length >= 4 && new Set(tokens).size >= 3, "there were tokens to be seen");
});

byCookie("after a logout the cookie is gone, and nobody is in after a reload", {}, async (page) => {
  await granted(page, "register", "ada", PASSWORD);
  const cleared = page.waitForResponse((response) => response.request().method() === "DELETE");
  await granted(page, "logout");
  assert.equal((await cleared).status(), 204);
  assert.equal(await cookie(page), undefined);
  await reload(page);
  await reached(page, "logged-out");
});

/** What is sent for the cookie, and by whom: each is lost before, inside and after it. */
const EXCHANGE = [
  ["the request for the cookie", "POST /session/cookie", "client"],
  ["its answer", '{"generation":', "server"],
];

for (const [what, text, from] of EXCHANGE) {
  behindProxy(`a registration is done although ${what} is cut before, inside or after it`, {}, async (page, proxy) => {
    for (const part of PARTS) {
      const broken = proxy.cutAt(text, part, from);
      await granted(page, "register", `ada-${part}`, PASSWORD);
      await broken;
      const { session, generation } = await reached(page, "authenticated");
      await reload(page);
      const back = await reached(page, "authenticated", generation + 1);
      assert.equal(back.session, session, `cut ${part}`);
      await granted(page, "logout");
    }
  });

  behindProxy(
    `a push comes although ${what} is cut before, inside or after it`,
    { settings: PUSHED },
    async (page, proxy) => {
      await granted(page, "register", "ada", PASSWORD);
      const { session } = await reached(page, "authenticated");
      for (const part of PARTS) {
        const before = await reached(page, "authenticated");
        await proxy.cutAt(text, part, from);
        const pushed = await reached(page, "authenticated", before.generation + 1);
        await reload(page);
        const back = await reached(page, "authenticated", pushed.generation + 1);
        assert.equal(back.session, session, `cut ${part}`);
        assert.ok(!(await statuses(page)).includes("logged-out"), `cut ${part}`);
      }
    },
  );
}

for (const answer of ["101 Switching Protocols", "Hello", "Success"]) {
  behindProxy(
    `with a cookie, a connection that breaks before, inside or after ${answer} while resuming logs nobody out`,
    {},
    async (page, proxy) => {
      await granted(page, "register", "ada", PASSWORD);
      let before = await reached(page, "authenticated");
      for (const part of PARTS) {
        const broken = proxy.cutAt(answer, part);
        await reload(page);
        await broken;
        // Where the last of it arrived, the page is in once before it notices that it is cut off.
        const rotations = part === "after" && answer === "Success" ? 2 : 1;
        const back = await reached(page, "authenticated", before.generation + rotations);
        assert.equal(back.session, before.session, `cut ${part}`);
        before = back;
      }
    },
  );
}

byCookie("where no exchange works, another connection fetches what was pushed", { settings: PUSHED }, async (page, scene) => {
  await granted(page, "register", "ada", PASSWORD);
  const { session, generation } = await reached(page, "authenticated");
  const another = page.waitForEvent("websocket");
  await page.route("**/session/cookie", (route) => route.fulfill({ status: 410, body: "" }));
  await another;
  const pushed = await reached(page, "authenticated", generation + 1);
  assert.equal(pushed.session, session);
  assert.ok(scene.connections > 1, "there was another connection");
  assert.ok(!(await statuses(page)).includes("logged-out"));
});

scenario(
  "of two first connections that a browser opens at once, each can be logged in on",
  { settings: BY_COOKIE, tolerate: BLANK },
  async (scene) => {
    const { page } = await blank(scene);
    const codes = await page.evaluate(async (password) => {
      const { connect: start } = await import("/demo/handfast.js");
      // The clients of one page share no connection where each has a storage of its own.
      const own = () => {
        let kept = null;
        return { read: () => kept, write: (text) => void (kept = text) };
      };
      const clients = [1, 2].map(() => start("/ws/", { delivery: "cookie", storage: own() }));
      const code = (client) => client.login("ada", password).then(() => null, (error) => error.code);
      const codes = [];
      for (const client of clients) {
        const first = await code(client);
        codes.push([first, first === null ? null : await code(client)]);
        await client.logout();
      }
      return codes;
    }, PASSWORD);
    // The browser knows one of the two secrets that it was given, so one login may have to be repeated. Where the second
    // connection was asked for after the first had its answer, they share one secret.
    const outcomes = codes.map(String);
    assert.ok(outcomes.includes(","), `${outcomes}`);
    assert.ok(
      outcomes.every((outcome) => [",", "storage,"].includes(outcome)),
      `${outcomes}`,
    );
  },
);

for (const answer of ["Registered", "Success"]) {
  const method = answer === "Registered" ? "register" : "login";
  for (const [how, settings, options] of [
    ["in messages", {}, {}],
    ["in a cookie", BY_COOKIE, OPTIONS],
  ]) {
    const sentence = `where tokens come ${how}, a ${method} whose answer is cut before, inside or after it can be repeated`;
    scenario(sentence, { settings, tolerate: any(BLANK, BROKEN) }, async (scene) => {
      const proxy = await Proxy.to(scene.server.url);
      try {
        const { page } = await blank(scene, { url: proxy.url });
        await connect(page, options);
        for (const part of PARTS) {
          const name = `ada-${part}`;
          if (method === "login") {
            await granted(page, "register", name, PASSWORD);
            await granted(page, "logout");
          }
          const broken = proxy.cutAt(`"type":"${answer}"`, part);
          const first = await refusal(page, method, name, PASSWORD);
          await broken;
          assert.ok([null, "lost"].includes(first), `${part}: ${first}`);
          // Whoever is told that the answer was lost tries again, and is in by then at the latest.
          const again = first === null ? null : await refusal(page, "login", name, PASSWORD);
          assert.ok([null, "already_authorized"].includes(again), `${part}: ${again}`);
          const { session, generation } = await reached(page, "authenticated");
          await page.reload();
          await connect(page, options);
          assert.equal((await reached(page, "authenticated", generation + 1)).session, session, part);
          await granted(page, "logout");
        }
        await page.context().close();
      } finally {
        await proxy.dispose();
      }
    });
  }
}
