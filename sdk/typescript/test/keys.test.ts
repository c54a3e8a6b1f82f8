import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyStore } from "../src/keys.js";
import { ENDPOINT, HELLO, logIn, settled, success, World } from "./support/world.js";

type Stored = KeyStore & { pair: CryptoKeyPair | null; refuses: string[] };

/** Keeps a pair in memory; like a browser that cannot keep every kind of key, if told to. */
function keyStore(...refuses: string[]): Stored {
  return {
    pair: null,
    refuses,
    async load() {
      return this.pair;
    },
    async save(pair) {
      if (refuses.includes(pair.privateKey.algorithm.name)) throw new Error("cannot be kept");
      this.pair ??= pair;
      return this.pair;
    },
  };
}

/** Signing runs on threads of its own, so it is waited for. */
async function until(done: () => boolean): Promise<void> {
  for (let tries = 0; !done(); tries += 1) {
    assert.ok(tries < 10_000, "it never came");
    await settled();
  }
}

async function logInWithKey(world: World, keys: Stored) {
  world.keys = keys;
  const { client, tab } = world.open();
  await settled();
  world.socket.open();
  world.socket.say(HELLO);
  const login = client.login("ann", "secret");
  await until(() => world.socket.has("Login"));
  const request = world.socket.take("Login");
  world.socket.say(success(0, request.id));
  await login;
  return { client, tab, request };
}

async function returning(world: World, keys: Stored) {
  const { tab } = await logInWithKey(world, keys);
  tab.crash();
  const { client } = world.open();
  await settled();
  world.socket.open();
  return client;
}

function parts(jws: unknown): {
  header: Record<string, unknown>;
  payload: unknown;
  signed: Uint8Array<ArrayBuffer>;
  signature: Uint8Array<ArrayBuffer>;
} {
  const [header = "", payload = "", signature = ""] = String(jws).split(".");
  const json = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
  return {
    header: json(header),
    payload: json(payload),
    signed: new TextEncoder().encode(`${header}.${payload}`),
    signature: Uint8Array.from(Buffer.from(signature, "base64url")),
  };
}

for (const [refuses, alg, crv, algorithm] of [
  [[], "EdDSA", "Ed25519", "Ed25519"],
  [["Ed25519"], "ES256", "P-256", { name: "ECDSA", hash: "SHA-256" }],
] as const) {
  test(`a session is bound to a key, and a presentation is proved with ${alg}`, async () => {
    const world = new World();
    const keys = keyStore(...refuses);
    const client = await returning(world, keys);
    await settled();
    assert.ok(!world.socket.has("RefreshToken"), "a proof needs the nonce");
    world.socket.say(HELLO);
    await until(() => world.socket.has("RefreshToken"));
    const presented = world.socket.take("RefreshToken");
    assert.equal(presented["attempt"], undefined);
    const { header, payload, signed, signature } = parts(presented["proof"]);
    assert.deepEqual(
      { ...header, jwk: (header["jwk"] as JsonWebKey).crv },
      { typ: "handfast-proof+jwt", alg, jwk: crv },
    );
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("session-S/0"));
    const ath = Buffer.from(hash).toString("base64url");
    assert.deepEqual(payload, { nonce: HELLO["nonce"], aud: ENDPOINT.href, ath });
    assert.ok(keys.pair && (await crypto.subtle.verify(algorithm, keys.pair.publicKey, signature, signed)));
    world.socket.say(success(1, presented.id));
    await settled();
    assert.ok(client.state.status === "authenticated" && client.state.bound === "key");
  });
}

test("only the public half of the key is sent, and the private one cannot be taken out", async () => {
  const keys = keyStore();
  const { request } = await logInWithKey(new World(), keys);
  assert.deepEqual(Object.keys(request["key"] as object), ["kty", "crv", "x"]);
  assert.equal(keys.pair?.privateKey.extractable, false);
});

test("a server that binds no sessions is logged in to without a key", async () => {
  const world = new World();
  world.keys = keyStore();
  const { client } = world.open();
  await settled();
  world.socket.open();
  const login = client.login("ann", "secret");
  await until(() => world.socket.has("Login"));
  world.socket.say({ type: "InvalidRequest", reason: "key_unsupported", id: world.socket.take("Login").id });
  await settled();
  const again = world.socket.take("Login");
  assert.equal(again["key"], undefined);
  world.socket.say(success(0, again.id));
  await login;
  assert.ok(client.state.status === "authenticated" && client.state.bound === "attempt");
});

test("a browser that keeps no key at all logs in without one", async () => {
  const world = new World();
  const { client, request } = await logInWithKey(world, keyStore("Ed25519", "ECDSA"));
  assert.equal(request["key"], undefined);
  assert.ok(client.state.status === "authenticated" && client.state.bound === "attempt");
});

test("a session whose key is gone is over, and says so", async () => {
  const world = new World();
  const keys = keyStore();
  const client = await returning(world, keys);
  keys.pair = null;
  world.socket.say(HELLO);
  await until(() => client.state.status === "logged-out");
  assert.deepEqual(client.state, { status: "logged-out", reason: "key_lost", leader: true });
  assert.equal(world.storage.text, null);
});

test("a proof that the server refuses ends the session", async () => {
  const world = new World();
  const client = await returning(world, keyStore());
  world.socket.say(HELLO);
  await until(() => world.socket.has("RefreshToken"));
  const { id } = world.socket.take("RefreshToken");
  world.socket.say({ type: "InvalidToken", reason: "proof_required", id });
  await settled();
  assert.ok(client.state.status === "logged-out" && client.state.reason === "key_lost");
});

test("a server that wants a proof gets one, although the session is not known to be bound", async () => {
  const world = new World();
  await logIn(world, world.open().client);
  world.tabs[0]?.crash();
  const keys = keyStore();
  world.keys = keys;
  keys.pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  world.open();
  await settled();
  world.socket.open();
  world.socket.say(HELLO);
  await settled();
  world.socket.say({ type: "InvalidToken", reason: "proof_required", id: world.socket.take("RefreshToken").id });
  await until(() => world.socket.has("RefreshToken"));
  assert.ok(world.socket.take("RefreshToken")["proof"]);
});

test("a proof that is ready when its connection is gone is not sent on the next one", async () => {
  const world = new World();
  const keys = keyStore();
  await returning(world, keys);
  const { pair } = keys;
  const loads: (() => void)[] = [];
  keys.load = () => new Promise((resolve) => loads.push(() => resolve(pair)));
  world.socket.say(HELLO);
  await until(() => loads.length === 1);
  world.socket.breakOff();
  await world.pass(250);
  world.socket.open();
  world.socket.say({ ...HELLO, nonce: "another-nonce" });
  await until(() => loads.length === 2);
  for (const load of loads) load();
  await until(() => world.socket.has("RefreshToken"));
  const { payload } = parts(world.socket.take("RefreshToken")["proof"]);
  assert.equal((payload as Record<string, unknown>)["nonce"], "another-nonce");
  await settled();
  assert.ok(!world.socket.has("RefreshToken"));
});

test("a proof that is wanted when its connection was given up already is not made", async () => {
  const world = new World();
  const keys = keyStore();
  const { client } = await logInWithKey(world, keys);
  const { pair } = keys;
  const loads: (() => void)[] = [];
  keys.load = () => new Promise((resolve) => loads.push(() => resolve(pair)));
  const free = world.holdStorage();
  const refused = assert.rejects(client.refresh(), /lost/);
  await settled();
  world.socket.isCut = true;
  await world.pass(45_000);
  free();
  await refused;
  await world.pass(250);
  world.socket.open();
  world.socket.say({ ...HELLO, nonce: "another-nonce" });
  await until(() => loads.length > 0);
  for (const load of loads) load();
  await until(() => world.socket.has("RefreshToken") || client.state.status === "logged-out");
  const { payload } = parts(world.socket.take("RefreshToken")["proof"]);
  assert.equal((payload as Record<string, unknown>)["nonce"], "another-nonce");
});
