import assert from "node:assert/strict";
import { test } from "node:test";
import { HELLO, settled, World } from "./support/world.js";

const BY_COOKIE = { delivery: "cookie" } as const;

function granted(generation: number, fields: object = {}) {
  const session = "session-S";
  return { type: "Success", session, generation, expires_at: 1767830400, refresh_at: 1767226200, ...fields };
}

/** Somebody who logged in with a cookie, and the tickets that were exchanged. */
async function loggedIn() {
  const world = new World();
  const tickets: string[] = [];
  world.cookie.exchange = async (ticket) => {
    tickets.push(ticket);
    return true;
  };
  const { client, tab } = world.open(BY_COOKIE);
  await connected(world);
  const login = client.login("ann", "secret");
  await settled();
  world.socket.say(granted(0, { ticket: "ticket-0", id: world.socket.take("Login").id }));
  await login;
  return { world, client, tab, tickets };
}

/** Opens the newest connection of somebody who has no cookie. */
async function connected(world: World): Promise<void> {
  await settled();
  world.socket.open();
  world.socket.say({ ...HELLO, delivery: "cookie" });
  await settled();
  world.socket.say({ type: "Pong", id: world.socket.take("Ping").id });
  await settled();
}

/** Opens the newest connection, whose cookie is answered by `answer`. */
async function presented(world: World, answer: { type: string }): Promise<string | null> {
  await settled();
  world.socket.open();
  world.socket.say({ ...HELLO, delivery: "cookie" });
  const { url } = world.socket;
  world.socket.say(answer);
  await settled();
  return url.searchParams.get("attempt");
}

test("a login is done when its ticket is exchanged, and then acknowledged", async () => {
  const { world, client, tickets } = await loggedIn();
  assert.deepEqual(tickets, ["ticket-0"]);
  assert.equal(world.socket.take("Ack")["generation"], 0);
  assert.ok(client.state.status === "authenticated" && client.state.username === "ann");
});

test("no token and no ticket is stored", async () => {
  const { world } = await loggedIn();
  assert.doesNotMatch(world.storage.text ?? "", /token|ticket/);
});

test("a login whose ticket cannot be exchanged asks for another one", async () => {
  const world = new World();
  let failures = 2;
  world.cookie.exchange = async () => failures-- <= 0;
  const { client } = world.open(BY_COOKIE);
  await connected(world);
  const login = client.login("ann", "secret");
  await settled();
  world.socket.say(granted(0, { ticket: "ticket-0", id: world.socket.take("Login").id }));
  for (const wait of [1_000, 2_000]) {
    await world.pass(wait);
    world.socket.say(granted(0, { ticket: `ticket-${wait}`, id: world.socket.take("Ticket").id }));
  }
  await login;
  assert.equal(client.state.status, "authenticated");
});

test("a login whose tickets can never be exchanged is over on both sides, and another connection is made", async () => {
  const world = new World();
  world.cookie.exchange = async () => false;
  const { client } = world.open(BY_COOKIE);
  await connected(world);
  const refused = assert.rejects(client.login("ann", "secret"), /storage/);
  await settled();
  world.socket.say(granted(0, { ticket: "ticket-0", id: world.socket.take("Login").id }));
  for (const wait of [1_000, 2_000]) {
    await world.pass(wait);
    world.socket.say({ type: "Unavailable", retry_after: 1, id: world.socket.take("Ticket").id });
  }
  await refused;
  assert.ok(world.socket.has("Logout"));
  assert.equal(world.socket.closedWith, 1000);
  await world.pass(250);
  await connected(world);
  assert.equal(world.sockets.length, 2);
  assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
});

test("a pushed ticket is exchanged on the live connection", async () => {
  const { world, client, tickets } = await loggedIn();
  world.socket.take("Ack");
  world.socket.say(granted(1, { ticket: "ticket-1" }));
  await settled();
  assert.deepEqual(tickets, ["ticket-0", "ticket-1"]);
  assert.equal(world.socket.take("Ack")["generation"], 1);
  assert.ok(client.state.status === "authenticated" && client.state.generation === 1);
  assert.equal(world.sockets.length, 1);
});

test("a push whose tickets cannot be exchanged on this connection is fetched by another one", async () => {
  const { world, client } = await loggedIn();
  world.cookie.exchange = async () => false;
  world.socket.say(granted(1, { ticket: "ticket-1" }));
  await settled();
  for (const wait of [1_000, 2_000]) {
    await world.pass(wait);
    world.socket.say(granted(1, { ticket: `ticket-${wait}`, id: world.socket.take("Ticket").id }));
    await settled();
  }
  assert.equal(world.socket.closedWith, 1000);
  await world.pass(250);
  await presented(world, granted(1));
  assert.equal(world.socket.take("Ack")["generation"], 1);
  assert.ok(client.state.status === "authenticated" && client.state.generation === 1);
  assert.equal(world.sockets.length, 2);
});

test("a push whose ticket could not be exchanged may come again with the next beat", async () => {
  const { world, client } = await loggedIn();
  world.socket.take("Ack");
  const { exchange } = world.cookie;
  world.cookie.exchange = async () => false;
  world.socket.say(granted(1, { ticket: "ticket-1" }));
  await settled();
  assert.ok(!world.socket.has("Ack"));
  assert.ok(client.state.status === "authenticated" && client.state.generation === 0);
  world.cookie.exchange = exchange;
  world.socket.say(granted(1, { ticket: "ticket-1-again" }));
  await settled();
  assert.equal(world.socket.take("Ack")["generation"], 1);
});

test("the upgrade presents under an attempt key, which is the same until a newer generation is stored", async () => {
  const { world } = await loggedIn();
  world.socket.breakOff();
  await world.pass(250);
  const first = world.socket.url.searchParams.get("attempt");
  assert.ok(first && world.storage.text?.includes(first), "stored before it is sent");
  world.dice = Uint8Array.of(0x40, ...new Uint8Array(15));
  world.socket.breakOff();
  await world.pass(500);
  assert.equal(await presented(world, granted(1)), first);
  assert.equal(world.socket.take("Ack")["generation"], 1);
  world.socket.breakOff();
  await world.pass(250);
  assert.notEqual(world.socket.url.searchParams.get("attempt"), first);
});

for (const [sentence, end] of [
  ["was never opened", () => {}],
  ["ended before its cookie was answered", (world: World) => world.socket.open()],
] as const) {
  test(`after 4409 the client comes back once where a connection ${sentence}`, async () => {
    const { world, client } = await loggedIn();
    world.socket.breakOff();
    await world.pass(250);
    end(world);
    await settled();
    world.socket.breakOff();
    await world.pass(500);
    for (const [generation, status] of [
      [1, "waiting"],
      [2, "stopped"],
    ] as const) {
      await presented(world, granted(generation));
      assert.equal(client.state.status, "authenticated");
      world.socket.breakOff(4409);
      await settled();
      assert.equal(client.state.status, status);
      await world.pass(250);
    }
  });
}

test("after 4409 the client stays away where every cookie was answered", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff();
  await world.pass(250);
  await presented(world, granted(1));
  world.socket.breakOff(4409);
  await settled();
  assert.equal(client.state.status, "stopped");
});

test("a cookie that nobody remembers brings its session back", async () => {
  const world = new World();
  const { client } = world.open(BY_COOKIE);
  assert.equal(await presented(world, granted(5)), null);
  assert.ok(client.state.status === "authenticated" && client.state.username === null);
  assert.match(world.storage.text ?? "", /session-S/);
});

test("a session whose cookie is gone is over", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff();
  await world.pass(250);
  await connected(world);
  assert.deepEqual(client.state, { status: "logged-out", reason: "cookie_lost", leader: true });
  assert.equal(world.storage.text, null);
});

test("why a session ended stays said although its cookie is refused after it", async () => {
  const { world, client } = await loggedIn();
  world.socket.say({ type: "Ended", reason: "password_changed" });
  world.socket.breakOff(4403, "password_changed");
  await world.pass(250);
  await presented(world, { type: "InvalidToken", reason: "revoked" } as { type: string });
  assert.ok(client.state.status === "logged-out" && client.state.reason === "password_changed");
});

test("a cookie that nobody remembers and that is refused says why", async () => {
  const world = new World();
  const { client } = world.open(BY_COOKIE);
  await presented(world, { type: "InvalidToken", reason: "reused" } as { type: string });
  assert.ok(client.state.status === "logged-out" && client.state.reason === "reused");
});

test("a cookie that is refused is forgotten", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff();
  await world.pass(250);
  await presented(world, { type: "InvalidToken", reason: "revoked" } as { type: string });
  assert.ok(client.state.status === "logged-out" && client.state.reason === "revoked");
});

test("a stale cookie is presented once more, under a new attempt key, on another connection", async () => {
  const { world, client } = await loggedIn();
  world.socket.breakOff();
  await world.pass(250);
  world.dice = Uint8Array.of(0x40, ...new Uint8Array(15));
  const stale = { type: "InvalidToken", reason: "stale" };
  const first = await presented(world, stale);
  assert.equal(world.sockets.length, 3);
  const second = await presented(world, stale);
  assert.notEqual(second, first);
  assert.ok(client.state.status === "logged-out" && client.state.reason === "stale");
  assert.equal(world.sockets.length, 3);
});

test("a cookie that the server cannot look at now is presented again when it says so", async () => {
  const { world } = await loggedIn();
  world.socket.breakOff();
  await world.pass(250);
  const first = await presented(world, { type: "Unavailable", retry_after: 3 } as { type: string });
  await world.pass(2_999);
  assert.equal(world.sockets.length, 2);
  await world.pass(1);
  assert.equal(await presented(world, granted(1)), first);
});

test("logging out clears the cookie", async () => {
  const { world, client } = await loggedIn();
  let cleared = 0;
  world.cookie.clear = async () => {
    cleared += 1;
    return true;
  };
  const logout = client.logout();
  await settled();
  world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
  await logout;
  assert.equal(cleared, 1);
});

test("a ticket that is being exchanged is left alone after a logout", async () => {
  const { world, client } = await loggedIn();
  let exchange = (_ok: boolean) => {};
  world.cookie.exchange = () =>
    new Promise((resolve) => {
      exchange = resolve;
    });
  world.socket.say(granted(1, { ticket: "ticket-1" }));
  await settled();
  const logout = client.logout();
  await settled();
  world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
  await logout;
  exchange(false);
  await world.pass(5_000);
  assert.ok(!world.socket.has("Ticket"));
  assert.equal(world.sockets.length, 1);
});

test("a storage that is blocked has a cookie's session ended that nobody could come back to", async () => {
  const world = new World();
  world.storage.fails = "always";
  const { client } = world.open(BY_COOKIE);
  await settled();
  world.socket.open();
  world.socket.say({ ...HELLO, delivery: "cookie" });
  await settled();
  world.socket.say(granted(5));
  await settled();
  world.socket.take("Logout");
  assert.ok(!world.socket.has("Logout"));
  assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
});

test("a script does not rotate a cookie", async () => {
  const { client } = await loggedIn();
  await assert.rejects(client.refresh(), /cookie_delivery/);
});

test("a server that delivers in another way than the program chose is told apart from a wrong password", async () => {
  const world = new World();
  const { client } = world.open();
  await settled();
  world.socket.open();
  const refused = assert.rejects(client.login("ann", "secret"), /unexpected_answer/);
  await settled();
  world.socket.say(granted(0, { ticket: "ticket-0", id: world.socket.take("Login").id }));
  await refused;
});
