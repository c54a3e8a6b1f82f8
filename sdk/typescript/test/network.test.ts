import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeSocket, HELLO, logIn, logInAnew, resume, settled, success, World } from "./support/world.js";

/** Half of every bound, as the dice of the tests have it. */
const FIRST_WAIT_MS = 250;

async function loggedIn() {
  const world = new World();
  const { client, tab } = world.open();
  await logIn(world, client);
  world.socket.sent.length = 0;
  return { world, client, tab };
}

/** Somebody whose connection broke, and whose client has asked on the next one before its greeting came. */
async function asking() {
  const { world } = await loggedIn();
  world.socket.breakOff();
  await world.pass(FIRST_WAIT_MS);
  world.socket.open();
  await settled();
  assert.ok(world.socket.has("RefreshToken"));
  return { world };
}

test("a broken connection is made again by itself, and the session goes on", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff();
  await settled();
  const until = world.unixMs + FIRST_WAIT_MS;
  assert.deepEqual(client.state, { status: "waiting", username: "ann", until, leader: true });
  await world.pass(FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
  await resume(world, 1);
  assert.equal(client.state.status, "authenticated");
});

for (const [sentence, end] of [
  ["refuses every connection", (socket: FakeSocket) => socket.breakOff()],
  [
    "closes every connection as soon as it is open",
    (socket: FakeSocket) => {
      socket.open();
      socket.breakOff(1011);
    },
  ],
  [
    "closes every connection with a code that nobody knows",
    (socket: FakeSocket) => {
      socket.open();
      socket.say(HELLO);
      socket.breakOff(4999);
    },
  ],
] as const) {
  for (const fails of ["never", "always"] as const) {
    const storage = fails === "always" ? ", although the storage is blocked" : "";
    test(`a server that ${sentence} is asked ever more seldom${storage}`, async () => {
      const world = new World();
      world.storage.fails = fails;
      world.open();
      const times: number[] = [];
      for (let tries = 0; tries < 12; tries += 1) {
        await settled();
        const { length } = world.sockets;
        times.push(world.ms);
        end(world.socket);
        while (world.sockets.length === length) await world.pass(50);
      }
      const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      assert.deepEqual(waits.slice(0, 4), [250, 500, 1000, 2000]);
      assert.ok(waits.slice(7).every((wait) => wait === 15_000));
    });
  }
}

test("a connection that cannot be made at all is tried again, not at once", async () => {
  const world = new World();
  world.open();
  await world.pass(14_999);
  assert.equal(world.sockets.length, 1);
  await world.pass(1 + FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

test("a draining server says when to come back, and is believed", async () => {
  const { world } = await loggedIn();
  world.socket.say({ type: "Closing", reconnect_after: 40 });
  world.socket.breakOff(1001);
  await world.pass(40_000);
  assert.equal(world.sockets.length, 1);
  await world.pass(FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

test("a timer that a hidden page gets late brings nobody back before a draining server said", async () => {
  const { world, tab } = await loggedIn();
  world.socket.say({ type: "Closing", reconnect_after: 40 });
  world.socket.breakOff(1001);
  await settled();
  world.ms += 30_000;
  world.unixMs += 30_000;
  await world.pass(0);
  assert.equal(world.sockets.length, 1);
  assert.equal(tab.timers.size, 1);
  await world.pass(10_000 + FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

for (const [sleep, asleepMs, awakeMs] of [
  ["ended while the machine slept is over at once", 3_600_000, 5_000],
  ["was slept through in part ends by the wall clock", 30_000, 15_000],
] as const) {
  test(`a wait that ${sleep}`, async () => {
    const { world } = await loggedIn();
    world.socket.say({ type: "Closing", reconnect_after: 40 });
    world.socket.breakOff(1001);
    await world.pass(5_000);
    world.sleep(asleepMs);
    await world.pass(awakeMs);
    assert.equal(world.sockets.length, 2);
  });
}

test("after 4409 the client stays away until it is asked", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff(4409);
  await world.pass(300_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(client.state, { status: "stopped", username: "ann", code: 4409, leader: true });
  await client.connect();
  await resume(world, 1);
  assert.equal(client.state.status, "authenticated");
});

test("after a 4409 that may come of its own presentation, which was never answered, the client comes back once", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff();
  await world.pass(FIRST_WAIT_MS);
  world.socket.open();
  world.socket.say(HELLO);
  await settled();
  assert.ok(world.socket.has("RefreshToken"));
  await world.pass(15_000 + 2 * FIRST_WAIT_MS);
  for (const [generation, status] of [
    [1, "waiting"],
    [2, "stopped"],
  ] as const) {
    await resume(world, generation);
    world.socket.breakOff(4409);
    await settled();
    assert.equal(client.state.status, status);
    await world.pass(FIRST_WAIT_MS);
  }
});

test("nothing wakes a client that stays away", async () => {
  const { world, tab } = await loggedIn();
  world.socket.breakOff(4409);
  await settled();
  tab.happenings?.wake();
  await world.pass(1_000);
  assert.equal(world.sockets.length, 1);
});

/** Somebody who did not log in in time. */
async function resting() {
  const world = new World();
  const { client, tab } = world.open();
  await settled();
  world.socket.open();
  world.socket.say(HELLO);
  await settled();
  world.socket.breakOff(4401, "not_authenticated");
  await settled();
  return { world, client, tab };
}

test("a page that nobody logs in on holds no connection for longer than the server bears", async () => {
  const { world, client, tab } = await resting();
  await world.pass(3_600_000);
  tab.happenings?.wake();
  tab.happenings?.look();
  await world.pass(60_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(client.state, { status: "logged-out", reason: "logged_out", leader: true });
  assert.equal(tab.timers.size, 0);
});

test("a login makes a connection where there is none, and is done on it", async () => {
  const { world, client } = await resting();
  await logInAnew(world, client);
  assert.equal(world.sockets.length, 2);
  assert.equal(client.state.status, "authenticated");
});

test("a logout makes a connection where there is none, because the server may know more", async () => {
  const { world, client } = await resting();
  const logout = client.logout();
  await settled();
  world.socket.open();
  await settled();
  world.socket.say({ type: "NotLoggedIn", id: world.socket.take("Logout").id });
  await logout;
});

test("what needs somebody who is logged in is refused without a connection", async () => {
  const { world, client } = await resting();
  await assert.rejects(client.sessions(), /not_logged_in/);
  assert.equal(world.sockets.length, 1);
});

test("a session whose presentation was put off for too long comes back after 4401", async () => {
  const { world } = await loggedIn();
  world.socket.breakOff(4401);
  await world.pass(FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

test("a revoked session is forgotten, with the server's reason", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff(4403, "admin");
  await world.pass(FIRST_WAIT_MS);
  world.socket.open();
  await settled();
  assert.deepEqual(client.state, { status: "logged-out", reason: "admin", leader: true });
  assert.equal(world.storage.text, null);
});

test("a silent server is asked, and one that does not answer is left", async () => {
  const { world } = await loggedIn();
  await world.pass(34_999);
  assert.ok(!world.socket.has("Ping"));
  await world.pass(1);
  assert.ok(world.socket.has("Ping"));
  await world.pass(10_000 + FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.sockets[0]?.closedWith, 1000);
});

test("a connection whose close never ends is left", async () => {
  const { world } = await loggedIn();
  const CLOSING = 2;
  world.socket.readyState = CLOSING;
  await world.pass(35_000 + 10_000 + FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

test("a server that answers is asked again a heartbeat later, and never left", async () => {
  const { world } = await loggedIn();
  for (let beats = 0; beats < 5; beats += 1) {
    await world.pass(35_000);
    world.socket.say({ type: "Pong", id: world.socket.take("Ping").id });
  }
  assert.equal(world.sockets.length, 1);
});

test("nothing is given to a socket that is closing", async () => {
  const { world } = await loggedIn();
  const CLOSING = 2;
  world.socket.sent.length = 0;
  world.socket.readyState = CLOSING;
  world.socket.say(success(1));
  await settled();
  assert.deepEqual(world.socket.sent, []);
});

test("an answer that is overdue shows that the connection is dead", async () => {
  const { world, client } = await loggedIn();
  world.socket.isCut = true;
  void client.sessions().catch(() => {});
  await world.pass(15_000 + FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

test("whatever else came since the question, its answer is overdue once nothing has come for 15 seconds", async () => {
  const { world } = await asking();
  world.socket.say(HELLO);
  await world.pass(5_000);
  world.socket.receive("of the application");
  await world.pass(14_999);
  assert.equal(world.socket.closedWith, undefined);
  await world.pass(1);
  assert.equal(world.socket.closedWith, 1000);
});

test("after a sleep the server is asked at once, and a dead connection is left within seconds", async () => {
  const { world } = await loggedIn();
  await world.pass(5_000);
  world.sleep(3_600_000);
  await world.pass(5_000);
  assert.ok(world.socket.has("Ping"));
  await world.pass(3_000 + FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

test("a page that comes back connects without waiting any longer", async () => {
  const { world, tab } = await loggedIn();
  world.socket.breakOff();
  await settled();
  tab.happenings?.wake();
  await settled();
  assert.equal(world.sockets.length, 2);
});

test("a page that comes back again and again does not undo the backoff", async () => {
  const { world, tab } = await loggedIn();
  for (let times = 0; times < 10; times += 1) {
    world.socket.breakOff();
    await settled();
    tab.happenings?.wake();
    await settled();
  }
  assert.equal(world.sockets.length, 2);
});

test("a page that comes back twice within a second need not wait for the backoff the second time either", async () => {
  const world = new World();
  const { tab } = world.open();
  for (let tries = 1; tries <= 8; tries += 1) {
    await settled();
    world.socket.breakOff();
    await world.pass(15_000);
  }
  world.socket.breakOff();
  await settled();
  const { length } = world.sockets;
  // First the page is visible, and its network comes a moment later.
  tab.happenings?.wake();
  await settled();
  world.socket.breakOff();
  await world.pass(400);
  tab.happenings?.wake();
  await settled();
  assert.equal(world.sockets.length, length + 1);
  await world.pass(600);
  assert.equal(world.sockets.length, length + 2);
});

test("a page that comes back asks whether its connection lives, however much it heard just now", async () => {
  const { world, tab } = await loggedIn();
  world.sleep(3_600_000);
  tab.happenings?.wake();
  assert.ok(world.socket.has("Ping"));
});

test("a page that comes back leaves a connection alone that is being made", async () => {
  const { world, tab } = await loggedIn();
  world.socket.breakOff();
  await world.pass(FIRST_WAIT_MS + 1_000);
  tab.happenings?.wake();
  await world.pass(10_000);
  assert.equal(world.sockets.length, 2);
});

test("what still comes from an abandoned connection is ignored", async () => {
  const { world, client } = await loggedIn();
  const [first] = world.sockets;
  await world.pass(45_000 + FIRST_WAIT_MS);
  await resume(world, 1);
  const stored = world.storage.text;
  const heard: unknown[] = [];
  client.on("message", (data) => heard.push(data));
  first?.say(success(7));
  first?.receive("late");
  first?.breakOff(4403);
  await settled();
  assert.equal(world.storage.text, stored);
  assert.deepEqual(heard, []);
  assert.equal(client.state.status, "authenticated");
});

test("what came from a connection before it was given up is ignored, however long the storage was busy", async () => {
  const { world, client } = await loggedIn();
  const heard: unknown[] = [];
  client.on("message", (data) => heard.push(data));
  const free = world.holdStorage();
  world.socket.say(success(1));
  world.socket.receive("behind it");
  world.socket.isCut = true;
  await world.pass(45_000);
  free();
  await settled();
  assert.deepEqual(heard, []);
  assert.ok(world.storage.text?.includes("session-S/0"), "nothing was stored");
  assert.equal(client.state.status, "waiting");
});

test("a deadline that passes while the storage is slow is looked at once", async () => {
  const { world, tab } = await loggedIn();
  let reads = 0;
  const read = world.storage.read.bind(world.storage);
  world.storage.read = () => {
    reads += 1;
    return read();
  };
  world.socket.breakOff();
  await world.pass(FIRST_WAIT_MS - 1);
  const free = world.holdStorage();
  tab.happenings?.look();
  await settled();
  reads = 0;
  world.ms += 1;
  let fired = 0;
  for (let times = 0; times < 5; times += 1) {
    for (const timer of [...tab.timers].filter(({ at }) => at <= world.ms)) {
      tab.timers.delete(timer);
      timer.callback();
      fired += 1;
    }
    await settled();
  }
  free();
  await world.pass(0);
  assert.equal(world.sockets.length, 2);
  assert.deepEqual([fired, reads], [1, 2]);
});

test("what waits behind more than a tab can keep is lost, and whoever asked is told", async () => {
  const { world, client } = await loggedIn();
  const free = world.holdStorage();
  world.socket.say(HELLO);
  const refused = assert.rejects(client.sessions(), /lost/);
  for (let messages = 0; messages < 5_000; messages += 1) world.socket.say(HELLO);
  free();
  await world.pass(60_000);
  await refused;
});

test("a lost answer is asked for again under the same attempt key", async () => {
  const { world } = await asking();
  const { attempt } = world.socket.take("RefreshToken");
  world.dice = new Uint8Array(16).fill(0x40);
  world.socket.breakOff();
  await world.pass(1_000);
  assert.equal((await resume(world, 1))["attempt"], attempt);
});

test("a client in charge presents in time, and not too soon where its clock is ahead", async () => {
  const world = new World();
  const { client } = world.open({ initiative: "client" });
  await settled();
  world.unixMs += 3_600_000;
  await logIn(world, client);
  await world.pass(9_999);
  assert.ok(!world.socket.has("RefreshToken"));
  await world.pass(1);
  assert.ok(world.socket.has("RefreshToken"));
});

test("the connection is held while the storage is slow, and order is kept", async () => {
  const { world, client } = await loggedIn();
  const heard: unknown[] = [];
  client.on("message", (data) => heard.push(data));
  world.socket.say(HELLO);
  for (const frame of ["one", "two", "three"]) world.socket.receive(frame);
  await settled();
  assert.deepEqual(heard, ["one", "two", "three"]);
});
