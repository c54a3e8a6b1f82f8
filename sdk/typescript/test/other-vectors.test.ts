// What a client can check of the other files of examples.
//
// - `framing.json`: a client that offers `handfast.v1` reads and writes as the v1 cases say. The plain framing is not
//   this client's.
// - `close.json`: all of it.
// - `answers.json`: everything that a server may say is understood, field by field.
// - `messages.json`: whatever this client can ask for is written as an example says, and no invalid one can be written.
// - `connection.json`: every message that a server sends in these traces is read without loss.
// - `rule.json`: it is the server's to decide; a client has to know each refusal by name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { afterClose } from "../src/close.js";
import { readFrame, SUBPROTOCOL, writeApplication, writeMessage } from "../src/framing.js";
import { grantOf, type Incoming, type Request, readMessage } from "../src/messages.js";
import { known } from "../src/reasons.js";
import { type Text, vectors, written } from "./support/vectors.js";

type Fields = Record<string, unknown>;
type Framed = { name: string; framing: "plain" | "v1"; message?: Text; application?: Text; frame: Text | null };

const framing = vectors<{
  negotiate: { name: string; offered: string[]; framing: string }[];
  read: Framed[];
  write: Framed[];
}>("framing.json");

test("the subprotocol that this client offers gets the v1 framing", () => {
  const offered = framing.negotiate.filter((example) => example.framing === "v1").map((example) => example.offered);
  assert.ok(offered.length > 0 && offered.every((names) => names.includes(SUBPROTOCOL)));
});

for (const { name, frame, message, application } of framing.read.filter((example) => example.framing === "v1")) {
  test(`reading: ${name}`, () => {
    assert.ok(frame !== null);
    const expected = message === undefined ? { data: written(application ?? "") } : { message: written(message) };
    assert.deepEqual(readFrame(written(frame)), expected);
  });
}

for (const { name, frame, message, application } of framing.write.filter((example) => example.framing === "v1")) {
  test(`writing: ${name}`, () => {
    assert.ok(frame !== null);
    const text = message === undefined ? writeApplication(written(application ?? "")) : writeMessage(written(message));
    assert.equal(text, written(frame));
  });
}

for (const { name, code, after } of vectors<{ cases: { name: string; code: number | null; after: string }[] }>(
  "close.json",
).cases) {
  test(`after a close: ${name}`, () => assert.equal(afterClose(code), after));
}

for (const { name, answer, json } of vectors<{ cases: { name: string; answer: Fields; json: Text }[] }>("answers.json")
  .cases) {
  test(`an answer is understood: ${name}`, () => understands(answer, readMessage(written(json))));
}

for (const { name, steps } of vectors<{ cases: { name: string; steps: { outputs?: { send?: Fields }[] }[] }[] }>(
  "connection.json",
).cases) {
  const sent = steps.flatMap(({ outputs }) => outputs ?? []).flatMap(({ send }) => (send === undefined ? [] : [send]));
  if (sent.length === 0) continue;
  test(`what a server sends is understood: ${name}`, () => {
    for (const message of sent) understands(message, readMessage(JSON.stringify(message)));
  });
}

function understands(said: Fields, read: Incoming | null): void {
  assert.ok(read);
  const understood: Fields = { ...read, protocol: SUBPROTOCOL };
  const { id: _, ...fields } = said;
  for (const [field, value] of Object.entries(fields)) assert.deepEqual(understood[field], value, field);
  if (said["token"] !== undefined) assert.equal(grantOf(read)?.token, said["token"]);
  const isReason = said["type"] === "InvalidToken" || said["type"] === "Ended";
  if (isReason) assert.equal(known(read.reason, "logged_out"), said["reason"]);
}

const messages = vectors<{ cases: { name: string; json: Text; request?: Fields; invalid?: Fields }[] }>(
  "messages.json",
).cases;

/** One of each kind, with every field that this client may set. */
const requests: Request[] = [
  { type: "Login", id: 1, username: "ann", password: "secret" },
  { type: "Register", id: 1, username: "ann", password: "secret" },
  { type: "RefreshToken", id: 1, token: "a.b.c" },
  { type: "RefreshToken", id: 1, token: "a.b.c", attempt: "l2iPZ8mX0rVqJx3Yb1tN5w" },
  { type: "RefreshToken", id: 1, token: "a.b.c", proof: "d.e.f" },
  { type: "Ack", generation: 4 },
  { type: "Logout", id: 1, everywhere: false },
  { type: "Logout", id: 1, everywhere: true },
  { type: "Sessions", id: 1 },
  { type: "Revoke", id: 1, session: "jS9qHAteSTeh8MLU5rgJeg" },
  { type: "ChangePassword", id: 1, old_password: "secret", new_password: "purple monkey" },
];

for (const request of requests) {
  const { id: _, ...fields } = { id: 0, ...request };
  test(`a server understands this client's ${Object.keys(fields).join(" ")}`, () => {
    const like = messages.filter(({ request: expected }) => expected?.["type"] === request.type);
    const sameFields = like.filter(
      ({ request: expected }) => sorted(Object.keys(expected ?? {})) === sorted(Object.keys(fields)),
    );
    assert.ok(sameFields.length > 0, "no example of it");
  });
}

test("every refusal of the session rule has a name here", () => {
  const { cases } = vectors<{ cases: { steps: { outcome?: string; present?: unknown }[] }[] }>("rule.json");
  const granted = new Set(["advanced", "answered_again", "replaced", "rolled_forward", "alarm"]);
  const outcomes = cases.flatMap(({ steps }) => steps.flatMap((step) => (step.present ? (step.outcome ?? []) : [])));
  const refusals = new Set(outcomes.filter((outcome) => !granted.has(outcome)));
  assert.ok(refusals.size > 0);
  for (const reason of refusals) assert.equal(known(reason, "logged_out"), reason);
});

function sorted(names: string[]): string {
  return [...names].sort().join(" ");
}
