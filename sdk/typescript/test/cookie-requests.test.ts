// What the browser is asked to do with the cookie.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { cookieOf } from "../src/cookie.js";

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

/** A server that never answers: requests end when they are stopped. */
function silence(): string[] {
  const asked: string[] = [];
  globalThis.fetch = (_url, init) => {
    asked.push(init?.method ?? "GET");
    return new Promise((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new Error("stopped")));
    });
  };
  return asked;
}

test("a request for the cookie stops the one before, so that its answer cannot come after", async () => {
  const asked = silence();
  const cookie = cookieOf(new URL("wss://chat.example/ws/"));
  const first = cookie("a ticket");
  const second = cookie(null);
  assert.equal(await first, false);
  await cookie();
  assert.equal(await second, false);
  assert.deepEqual(asked, ["POST", "DELETE"]);
});

for (const [sentence, answer, isDone] of [
  ["whole", () => new Response('{"generation":5}'), true],
  ["without its body, because it broke off", () => new Response(null), false],
  ["with half of its body", () => new Response('{"gener'), false],
  ["a refusal", () => new Response('{"generation":5}', { status: 410 }), false],
] as const) {
  test(`an answer that is ${sentence} ${isDone ? "says" : "does not say"} that the cookie is there`, async () => {
    globalThis.fetch = async () => answer();
    assert.equal(await cookieOf(new URL("wss://chat.example/ws/"))("a ticket"), isDone);
  });
}
