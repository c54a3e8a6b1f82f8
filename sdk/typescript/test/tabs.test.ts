import assert from "node:assert/strict";
import { test } from "node:test";
import { logIn, logInAnew, resume, settled, success, Tab, World } from "./support/world.js";

function browser(): World {
  const world = new World();
  world.sharing = "tabs";
  return world;
}

/** Some tabs; the first leads, and somebody is logged in. */
async function shared(count: number) {
  const world = browser();
  const tabs = Array.from({ length: count }, () => world.open());
  const [leader, ...followers] = tabs;
  assert.ok(leader);
  await logIn(world, leader.client);
  await settled();
  world.socket.sent.length = 0;
  return { world, tabs, leader, followers };
}

test("ten tabs opened at once have one connection, and all of them are logged in", async () => {
  const { world, tabs } = await shared(10);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(
    tabs.map(({ client }) => client.state.status),
    Array(10).fill("authenticated"),
  );
  assert.equal(tabs.filter(({ client }) => client.state.leader).length, 1);
});

test("a tab that is opened later is told how things stand", async () => {
  const { world } = await shared(1);
  const { client } = world.open();
  await settled();
  assert.ok(client.state.status === "authenticated" && !client.state.leader);
  assert.equal(world.sockets.length, 1);
});

test("no token passes between tabs", async () => {
  const { world, leader } = await shared(2);
  world.socket.say(success(1));
  await settled();
  assert.ok(leader.client.state.status === "authenticated" && leader.client.state.generation === 1);
  assert.doesNotMatch(JSON.stringify(world.posted), /session-S\/[01]/);
});

test("somebody can log in from any tab", async () => {
  const world = browser();
  world.open();
  const { client } = world.open();
  await logIn(world, client);
  assert.ok(client.state.status === "authenticated" && !client.state.leader);
});

test("somebody can log in from any tab, although none of them has a connection any more", async () => {
  const world = browser();
  world.open();
  const { client } = world.open();
  await settled();
  world.socket.open();
  await settled();
  world.socket.breakOff(4401);
  await world.pass(600_000);
  assert.deepEqual(client.state, { status: "logged-out", reason: "logged_out", leader: false });
  await logInAnew(world, client);
  assert.equal(world.sockets.length, 2);
  assert.equal(client.state.status, "authenticated");
});

test("what one tab sends is sent once, and what comes reaches every tab", async () => {
  const { world, tabs, followers } = await shared(3);
  await followers[1]?.client.send("hello");
  assert.deepEqual(world.socket.frames, ["hello"]);
  const heard: unknown[] = [];
  for (const { client } of tabs) client.on("message", (data) => heard.push(data));
  world.socket.receive("all");
  await settled();
  assert.deepEqual(heard, ["all", "all", "all"]);
});

test("logging out in one tab logs out all", async () => {
  const { world, tabs, followers } = await shared(3);
  const logout = followers[0]?.client.logout();
  await settled();
  world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
  await logout;
  await settled();
  for (const { client } of tabs) assert.equal(client.state.status, "logged-out");
});

for (const [sentence, end] of [
  ["crashes", (tab: { crash(): void }) => tab.crash()],
  ["is closed", (_: unknown, client: { close(): void }) => client.close()],
] as const) {
  test(`when the tab that leads ${sentence}, another goes on at once with the same session`, async () => {
    const { world, leader, followers } = await shared(3);
    end(leader.tab, leader.client);
    await resume(world, 1);
    assert.equal(world.sockets.length, 2);
    assert.equal(world.ms, 0, "no time has passed");
    assert.deepEqual(
      followers.map(({ client }) => [client.state.status, client.state.leader]),
      [
        ["authenticated", true],
        ["authenticated", false],
      ],
    );
  });
}

test("what the old leader did not get to is done by the new one, once and in order", async () => {
  const { world, leader, followers } = await shared(3);
  world.socket.breakOff();
  await settled();
  const sent = ["one", "two", "three"].map((text) => followers[1]?.client.send(text));
  await settled();
  leader.tab.crash();
  await resume(world, 1);
  await Promise.all(sent);
  assert.deepEqual(world.socket.frames, ["one", "two", "three"]);
});

test("what is asked of an old leader is not done by a new one that hears of it before it has said so", async () => {
  const { world, followers } = await shared(2);
  const ask = { say: "ask", term: "another-term", tab: "another-tab", id: 1, command: { do: "send", data: "twice" } };
  for (const tab of world.tabs) for (const hear of tab.channels) hear(ask);
  await followers[0]?.client.send("once");
  assert.deepEqual(world.socket.frames, ["once"]);
});

test("what the old leader has sent is not sent again", async () => {
  const { world, leader, followers } = await shared(2);
  await followers[0]?.client.send("once");
  leader.tab.crash();
  await resume(world, 1);
  assert.deepEqual(world.sockets[0]?.frames, ["once"]);
  assert.deepEqual(world.socket.frames, []);
});

test("what is not a frame and was not answered when its leader went is lost, and not asked again", async () => {
  const { world, leader, followers } = await shared(2);
  const [follower] = followers;
  assert.ok(follower);
  const refused = [follower.client.revoke("session-T"), follower.client.changePassword("secret", "another")].map(
    (asked) => assert.rejects(asked, /lost/),
  );
  await settled();
  assert.ok(world.socket.has("Revoke") && world.socket.has("ChangePassword"));
  leader.tab.crash();
  await resume(world, 1);
  await Promise.all(refused);
  assert.ok(!world.socket.has("Revoke") && !world.socket.has("ChangePassword"));
});

test("what is asked while nobody leads is done by whoever leads next", async () => {
  const world = browser();
  const { tab } = world.open();
  await settled();
  tab.hang();
  const { client } = world.open();
  const login = client.login("ann", "secret");
  await settled();
  tab.crash();
  await settled();
  world.socket.open();
  await settled();
  world.socket.say(success(0, world.socket.take("Login").id));
  await login;
});

test("a page that goes into the browser's cache learns no outcome, and sends nothing twice when it is back", async () => {
  const { world, followers } = await shared(2);
  const [follower] = followers;
  const refused = assert.rejects(async () => follower?.client.sessions(), /lost/);
  const lost = assert.rejects(async () => follower?.client.send("once"), /lost/);
  follower?.tab.happenings?.freeze();
  await settled();
  follower?.tab.happenings?.thaw();
  await settled();
  await refused;
  await lost;
  assert.deepEqual(world.socket.frames, ["once"]);
});

test("what a leader asked for itself goes on while it leads, and ends with it", async () => {
  const { world, leader } = await shared(2);
  const refused = assert.rejects(leader.client.sessions(), /closed/);
  await settled();
  leader.client.close();
  await refused;
  await resume(world, 1);
  assert.ok(!world.socket.has("Sessions"));
});

test("a page in the browser's cache gives the lead away, and is one of many when it is back", async () => {
  const { world, leader, followers } = await shared(2);
  leader.tab.happenings?.freeze();
  await resume(world, 1);
  assert.equal(followers[0]?.client.state.leader, true);
  leader.tab.happenings?.thaw();
  await settled();
  assert.ok(leader.client.state.status === "authenticated" && !leader.client.state.leader);
  assert.equal(world.sockets.length, 2);
});

test("tabs without locks each have a connection, and share the storage", async () => {
  const world = new World();
  const one = world.open();
  await logIn(world, one.client);
  const two = world.open();
  await resume(world, 1);
  world.sockets[0]?.breakOff(4409);
  await world.pass(30_000);
  assert.equal(one.client.state.status, "stopped");
  assert.equal(two.client.state.status, "authenticated");
  assert.equal(world.sockets.length, 2);
});

test("a tab without locks notices that another one logged out", async () => {
  const world = new World();
  const one = world.open();
  await logIn(world, one.client);
  const two = world.open();
  await resume(world, 1);
  world.sockets[0]?.breakOff(4409);
  const logout = two.client.logout();
  await settled();
  world.socket.say({ type: "LoggedOut", id: world.socket.take("Logout").id });
  await logout;
  one.tab.happenings?.look();
  await settled();
  world.socket.open();
  await settled();
  assert.equal(one.client.state.status, "logged-out");
});

/** A browser without locks, in whose first tab nobody is logged in, on a connection or at rest; and somebody is in its second. */
async function loggedInBeside(isResting: boolean) {
  const world = new World();
  const { client, tab } = world.open();
  await settled();
  const [first] = world.sockets;
  first?.open();
  if (isResting) first?.breakOff(4401);
  const other = world.open();
  await logIn(world, other.client);
  const look = async () => {
    tab.happenings?.look();
    await settled();
  };
  return { world, client, first, other, look };
}

for (const [sentence, isResting] of [
  ["has a connection", false],
  ["rests", true],
] as const) {
  test(`a tab without locks that ${sentence} leaves a session to the tab in which somebody logged in`, async () => {
    const { world, client, first, look } = await loggedInBeside(isResting);
    const stored = world.storage.text;
    await look();
    assert.deepEqual(client.state, { status: "stopped", username: "ann", code: 4409, leader: true });
    await world.pass(600_000);
    assert.ok(!first?.has("RefreshToken"));
    assert.equal(world.sockets.filter(({ tab }) => tab === first?.tab).length, 1);
    assert.equal(world.storage.text, stored, "no attempt key was made");
  });

  test(`a tab without locks that ${sentence} goes on with that session when a person asks`, async () => {
    const { world, client, look } = await loggedInBeside(isResting);
    await look();
    await client.connect();
    await resume(world, 1);
    assert.equal(client.state.status, "authenticated");
  });
}

test("tabs without locks that all see one login do not present it under different attempt keys", async () => {
  const world = new World();
  const tabs = [world.open(), world.open()];
  await settled();
  for (const socket of world.sockets) socket.open();
  await logIn(world, world.open().client);
  const { text } = world.storage;
  for (const [index, { tab }] of tabs.entries()) {
    // Each tab is of another process, and what one of them stores reaches the others later.
    world.storage.text = text;
    world.dice = new Uint8Array(16).fill(index);
    tab.happenings?.look();
    await settled();
  }
  const keys = world.sockets.flatMap((socket) =>
    socket.has("RefreshToken") ? [socket.take("RefreshToken")["attempt"]] : [],
  );
  assert.ok(new Set(keys).size <= 1, keys.join());
});

test("a tab without locks leaves its session where another tab stored another one", async () => {
  const world = new World();
  const { client, tab } = world.open();
  await logIn(world, client);
  const [first] = world.sockets;
  const refused = assert.rejects(client.refresh(), /lost/);
  await settled();
  world.storage.text = JSON.stringify({ ...success(0, undefined, "session-T"), username: "bob", bound: "attempt" });
  tab.happenings?.look();
  await refused;
  await world.pass(600_000);
  assert.deepEqual(client.state, { status: "stopped", username: "bob", code: 4409, leader: true });
  assert.equal(first?.closedWith, 1000);
  assert.equal(world.sockets.length, 1);
});

test("a tab with a session of its own goes on with it after a reload", async () => {
  const world = new World();
  world.sharing = "copies";
  const { client, tab } = world.open({ storage: "tab" });
  await logIn(world, client);
  const name = tab.area.get("tab");
  tab.crash();
  tab.isGone = false;
  world.open({ storage: "tab" }, tab);
  await resume(world, 1);
  assert.equal(tab.area.get("tab"), name);
});

test("a copied tab does not go on with the session of the one that it was copied from", async () => {
  const world = new World();
  world.sharing = "copies";
  const { client, tab } = world.open({ storage: "tab" });
  await logIn(world, client);
  const copy = new Tab(world);
  copy.area.set("tab", tab.area.get("tab") ?? "");
  world.open({ storage: "tab" }, copy);
  await world.pass(999);
  assert.equal(world.sockets.length, 1);
  await world.pass(1);
  assert.equal(world.sockets.length, 2);
  assert.notEqual(copy.area.get("tab"), tab.area.get("tab"));
});

test("a tab whose leader does not run is not kept waiting for ever", async () => {
  const world = browser();
  const { tab } = world.open();
  await settled();
  tab.hang();
  const { client } = world.open();
  const refused = assert.rejects(client.login("ann", "secret"), /timeout/);
  await world.pass(60_000);
  await refused;
});

test("what a leader was asked for that runs no more may have been done", async () => {
  const { world, leader, followers } = await shared(2);
  leader.tab.hang();
  const refused = assert.rejects(async () => followers[0]?.client.sessions(), /lost/);
  await world.pass(60_000);
  await refused;
});

/** Keeps from a tab what the others say; gives what has it hear something after all. */
function deafen(tab: Tab): (note: unknown) => void {
  const [hear] = tab.channels;
  assert.ok(hear);
  tab.channels.clear();
  return hear;
}

test("a leader that hung does not do later what was told to be lost by then", async () => {
  const { world, leader, followers } = await shared(2);
  const hear = deafen(leader.tab);
  const refused = assert.rejects(async () => followers[0]?.client.send("late"), /lost/);
  await settled();
  world.sleep(60_001);
  hear(world.posted.at(-1));
  await settled();
  assert.deepEqual(world.socket.frames, []);
  await world.pass(60_000);
  await refused;
});

test("a leader does what a tab of another release asks for, which says no time", async () => {
  const { world, leader, followers } = await shared(2);
  const hear = deafen(leader.tab);
  void followers[0]?.client.send("hello");
  await settled();
  const { until: _, ...note } = world.posted.at(-1) as { until: number };
  hear(note);
  await settled();
  assert.deepEqual(world.socket.frames, ["hello"]);
});

test("nothing waits any more for what was answered", async () => {
  const { followers } = await shared(2);
  await followers[0]?.client.send("hello");
  assert.equal(followers[0]?.tab.timers.size, 0);
});

test("a tab whose storage has no place for its name leads all the same", async () => {
  const world = new World();
  world.sharing = "copies";
  const tab = new Tab(world);
  tab.area.set = () => {
    throw new Error("full");
  };
  const { client } = world.open({ storage: "tab" }, tab);
  await logIn(world, client);
  assert.equal(client.state.status, "authenticated");
});

test("a tab that went into the browser's cache while it waited for the one it was copied from leads once", async () => {
  const world = new World();
  world.sharing = "copies";
  const { client, tab } = world.open({ storage: "tab" });
  await logIn(world, client);
  const copy = new Tab(world);
  copy.area.set("tab", tab.area.get("tab") ?? "");
  world.open({ storage: "tab" }, copy);
  await settled();
  copy.happenings?.freeze();
  await settled();
  copy.happenings?.thaw();
  await world.pass(1_000);
  assert.equal(world.sockets.length, 2);
  tab.crash();
  await settled();
  assert.equal(world.sockets.length, 2);
});
