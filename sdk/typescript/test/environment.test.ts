// What is taken from a browser that is not as it should be.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ambient } from "../src/environment.js";
import { connect } from "../src/handfast.js";
import { ENDPOINT, FakeSocket, settled, Tab, World } from "./support/world.js";

const realNavigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
afterEach(() => {
  Object.defineProperty(globalThis, "navigator", realNavigator ?? { value: undefined, configurable: true });
});

/** Locks as browsers refuse them where a person blocks site data, or in a frame without an origin. */
function refuseLocks(): void {
  const request = async () => {
    throw new DOMException("refused", "SecurityError");
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
}

test("where a browser refuses locks, a client connects without them", async () => {
  refuseLocks();
  const opened: string[] = [];
  class WebSocket extends FakeSocket {
    constructor(url: string) {
      super(new URL(url), new Tab(new World()));
      opened.push(url);
    }
  }
  const client = connect(ENDPOINT, { WebSocket });
  await settled();
  client.close();
  assert.deepEqual(opened, [ENDPOINT.href]);
});

test("who gives up waiting for a lock does not hold it, although it was refused", async () => {
  refuseLocks();
  const { requestLock } = ambient(ENDPOINT, { WebSocket: FakeSocket as never });
  const held = () => Promise.reject(new Error("held"));
  assert.equal(await requestLock("lock", held, AbortSignal.abort()), undefined);
});

test("what goes wrong under a lock is not done again without it", async () => {
  const request = (_lock: string, _options: object, held: () => Promise<never>) => held();
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
  const { requestLock } = ambient(ENDPOINT, { WebSocket: FakeSocket as never });
  let times = 0;
  const failing = requestLock("lock", async () => {
    times += 1;
    throw new Error("in here");
  });
  await assert.rejects(failing, /in here/);
  assert.equal(times, 1);
});
