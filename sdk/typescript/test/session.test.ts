import assert from "node:assert/strict";
import { test } from "node:test";
import { HandfastError } from "../src/errors.js";
import type { State } from "../src/state.js";
import { HELLO, logIn, resume, settled, success, World } from "./support/world.js";

const withCode = (code: string) => (error: unknown) => error instanceof HandfastError && error.code === code;

test("a login stores the token, acknowledges it, and says who is logged in", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  assert.equal(world.socket.take("Ack")["generation"], 0);
  assert.match(world.storage.text ?? "", /session-S\/0/);
  const { state } = client;
  assert.equal(state.status, "authenticated");
  assert.ok(state.status === "authenticated" && state.username === "ann" && state.bound === "attempt");
  assert.doesNotMatch(JSON.stringify(state), /session-S\/0/, "no token in the state");
});

test("the state stays the same object until it changes", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  const seen: State[] = [];
  client.on("state", (state) => seen.push(state));
  const before = client.state;
  world.socket.receive("hello");
  await settled();
  assert.equal(client.state, before);
  assert.deepEqual(seen, []);
});

test("a returning client goes on without anybody logging in, under an attempt key that is stored first", async () => {
  const world = new World();
  await logIn(world, world.open().client);
  world.tabs[0]?.crash();
  const { client } = world.open();
  await settled();
  world.socket.open();
  await settled();
  const { attempt } = world.socket.take("RefreshToken");
  assert.ok(typeof attempt === "string" && world.storage.text?.includes(attempt));
  assert.deepEqual(client.state, { status: "authenticating", username: "ann", leader: true });
});

test("a wrong password is told and can be put right", async () => {
  const world = new World();
  const { client } = world.open();
  await settled();
  world.socket.open();
  const refused = assert.rejects(client.login("ann", "wrong"), withCode("invalid_password"));
  await settled();
  world.socket.say({ type: "InvalidPassword", id: world.socket.take("Login").id });
  await refused;
  await logIn(world, client);
});

test("a login asked for before there is a connection waits for it", async () => {
  const world = new World();
  const { client } = world.open();
  const login = client.login("ann", "secret");
  await settled();
  world.socket.open();
  await settled();
  world.socket.say({ ...success(0, world.socket.take("Login").id), type: "Registered" });
  assert.deepEqual(await login, { registered: true });
});

test("what finds no connection in half a minute is refused, and not done later", async () => {
  const world = new World();
  const { client } = world.open();
  const login = assert.rejects(client.login("ann", "secret"), withCode("timeout"));
  await world.pass(60_000);
  await login;
  world.socket.open();
  await settled();
  assert.ok(!world.socket.has("Login"));
});

test("frames wait for somebody to be logged in, and keep their order", async () => {
  const world = new World();
  await logIn(world, world.open().client);
  world.tabs[0]?.crash();
  const { client } = world.open();
  const sent = [client.send("one"), client.send(new Uint8Array([2])), client.send("@three")];
  await resume(world, 1);
  await Promise.all(sent);
  assert.deepEqual(world.socket.frames, ["one", new Uint8Array([2]).buffer, "@@three"]);
});

test("a frame that nobody waits for may be refused without a sound", async () => {
  const world = new World();
  const { client } = world.open();
  await settled();
  world.socket.open();
  await settled();
  void client.send("lost");
  await assert.rejects(client.send("lost"), withCode("not_logged_in"));
});

test("a listener that throws stops no other, and is reported", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  const reported: unknown[] = [];
  const { error } = console;
  console.error = (what: unknown) => reported.push(what);
  const heard: unknown[] = [];
  const fault = new Error("in the program");
  client.on("message", () => {
    throw fault;
  });
  const stop = client.on("message", (data) => heard.push(data));
  world.socket.receive("one");
  stop();
  world.socket.receive("two");
  console.error = error;
  assert.deepEqual(heard, ["one"]);
  assert.deepEqual(reported, [fault, fault]);
});

test("unknown messages, reasons and broken texts change nothing", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  const before = client.state;
  for (const text of ["@", "@[1]", "@null", "@{", '@{"type":"News","id":7}', '@{"type":"Success"}'])
    world.socket.receive(text);
  await settled();
  assert.equal(client.state, before);
});

test("a question is answered, and one whose connection is lost is told so", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  const sessions = client.sessions();
  await settled();
  world.socket.say({ type: "Sessions", sessions: [], id: world.socket.take("Sessions").id });
  assert.deepEqual(await sessions, []);
  const lost = assert.rejects(client.revoke("session-T"), withCode("lost"));
  await settled();
  world.socket.breakOff();
  await lost;
});

test("logging out ends the session here and now", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  const logout = client.logout();
  await settled();
  world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
  await logout;
  assert.deepEqual(client.state, { status: "logged-out", reason: "logged_out", leader: true });
  assert.equal(world.storage.text, null);
});

test("a closed client keeps its session, and refuses what comes after", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  const asked = assert.rejects(client.sessions(), withCode("closed"));
  await settled();
  client.close();
  await asked;
  assert.equal(world.socket.closedWith, 1000);
  assert.ok(world.storage.text);
  assert.equal(client.state.status, "closed");
  await assert.rejects(client.login("ann", "secret"), withCode("closed"));
  await world.pass(60_000);
  assert.equal(world.sockets.length, 1);
});

test("a client that is closed by whoever hears of its state does nothing more", async () => {
  const world = new World();
  const { client, tab } = world.open();
  client.on("state", ({ status }) => status === "connecting" && client.close());
  await settled();
  assert.deepEqual(world.sockets, []);
  assert.equal(client.state.status, "closed");
  assert.equal(tab.timers.size, 0);
});

test("a client that is closed again, even by whoever hears that it is closed, says so once", async () => {
  const world = new World();
  const { client } = world.open();
  await settled();
  const heard: string[] = [];
  client.on("state", ({ status }) => {
    heard.push(status);
    client.close();
  });
  client.close();
  client.close();
  assert.deepEqual(heard, ["closed"]);
});

test("a server that speaks another protocol is left alone", async () => {
  const world = new World();
  const { client } = world.open();
  await settled();
  world.socket.open("");
  await world.pass(120_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(client.state, { status: "stopped", username: null, code: 1002, leader: true });
});

for (const [fails, sentence] of [
  ["writing", "a storage that is full"],
  ["always", "a storage that is blocked"],
] as const) {
  test(`${sentence} in the middle of a session ends it on both sides, with a reason`, async () => {
    const world = new World();
    const { client } = world.open();
    await logIn(world, client);
    world.storage.fails = fails;
    world.socket.take("Ack");
    world.socket.say(success(1));
    await settled();
    assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
    assert.ok(!world.socket.has("Ack"), "nothing is acknowledged that is not stored");
    world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
    await settled();
    assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
  });
}

test("a storage that stays blocked has the server told once that nobody is logged in, however often it answers", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  world.storage.fails = "always";
  world.socket.say(success(1));
  await settled();
  world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
  await settled();
  world.socket.say(HELLO);
  await settled();
  assert.ok(!world.socket.has("Logout"));
  assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
});

test("a storage that fails where the session is given up anyway has the server told all the same, and once", async () => {
  const world = new World();
  const { client, tab } = world.open();
  await logIn(world, client);
  world.storage.fails = "always";
  tab.happenings?.look();
  await settled();
  world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
  await settled();
  assert.ok(!world.socket.has("Logout"));
  assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
});

test("a storage that was blocked from the start says so, and asks nothing of the server", async () => {
  const world = new World();
  world.storage.fails = "always";
  const { client } = world.open();
  await settled();
  world.socket.open();
  world.socket.say(HELLO);
  await settled();
  assert.deepEqual(world.socket.sent, []);
  assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
});

test("a login that cannot be stored is refused", async () => {
  const world = new World();
  const { client } = world.open();
  world.storage.fails = "writing";
  await assert.rejects(logIn(world, client), withCode("storage"));
  assert.ok(world.socket.has("Logout"));
});

test("a storage that is wiped in the middle of a session ends it on both sides, with a reason", async () => {
  const world = new World();
  const { client, tab } = world.open();
  await logIn(world, client);
  world.storage.text = null;
  tab.happenings?.look();
  await settled();
  assert.deepEqual(client.state, { status: "logged-out", reason: "storage", leader: true });
  assert.ok(world.socket.has("Logout"));
});

test("a wiped storage is noticed with the next push at the latest", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  world.storage.text = null;
  world.socket.say(success(1));
  await settled();
  assert.ok(client.state.status === "logged-out" && client.state.reason === "storage");
});

test("what lies damaged in storage is as good as nothing", async () => {
  const world = new World();
  world.storage.text = '{"session":7}';
  const { client } = world.open();
  await logIn(world, client);
  assert.equal(client.state.status, "authenticated");
});

test("the first message may come behind an answer", async () => {
  const world = new World();
  const { client } = world.open();
  await logIn(world, client);
  const heard: unknown[] = [];
  client.on("message", (data) => heard.push(data, client.state.status));
  world.socket.say(HELLO);
  world.socket.say(success(1));
  world.socket.receive("hello");
  await settled();
  assert.deepEqual(heard, ["hello", "authenticated"]);
  assert.ok(client.state.status === "authenticated" && client.state.generation === 1);
});
