// `client.json`: the machine does, keeps and waits as the examples say. The other implementation of the same machine
// replays the same file, so this is what makes the two one behaviour.
//
// The examples leave to the host what a program is told of its wishes; only a refused login is theirs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrame } from "../src/framing.js";
import { deadlineOf, handle, newMachine, statusOf } from "../src/machine.js";
import { readMessage } from "../src/messages.js";
import type { Kept } from "../src/record.js";
import type { Status } from "../src/state.js";
import type { Input, Machine, Output } from "../src/turn.js";
import { fromHex, vectors } from "./support/vectors.js";

interface Step {
  at: number;
  unix?: number;
  client?: string;
  dice?: string;
  start?: true;
  opened?: true;
  text?: string;
  message?: unknown;
  binary?: string;
  closed?: number | null;
  tick?: true;
  login?: { username: string; password: string; register: boolean };
  logout?: { everywhere: boolean };
  refresh?: true;
  outputs: unknown[];
  storage?: unknown;
  state?: string | { logged_out: string | { refused: string } | { revoked: string | null } };
  deadline?: number | null;
}

interface Case {
  name: string;
  initiative?: "server" | "client";
  storage?: { session: string; generation: number; token: string; expires_at: number; refresh_at: number };
  steps: Step[];
}

const { unix, cases } = vectors<{ unix: number; cases: Case[] }>("client.json");

for (const example of cases) {
  test(example.name, () => {
    const machines = new Map<string, Machine>();
    const policy = { isInCharge: example.initiative === "client", isByCookie: false, canProve: false };
    let kept = stored(example);
    for (const step of example.steps) {
      const name = step.client ?? "one";
      const machine = machines.get(name) ?? newMachine(policy);
      machines.set(name, machine);
      const outputs = inputs(step).flatMap((input) => {
        const now = { ms: step.at, unixMs: unix * 1000 + step.at };
        const outputs = handle(machine, now, fromHex(step.dice ?? "00".repeat(16)), kept, input);
        kept = machine.kept;
        return outputs.flatMap(shownOutput);
      });
      const at = `at ${step.at}`;
      assert.deepEqual([...application(step), ...outputs], step.outputs, at);
      if (step.storage !== undefined) assert.deepEqual(shown(kept), step.storage, at);
      if (step.state !== undefined) assert.deepEqual(named(statusOf(machine)), flat(step.state), at);
      if (step.deadline !== undefined) assert.equal(deadlineOf(machine), step.deadline ?? Number.POSITIVE_INFINITY, at);
    }
  });
}

function stored({ storage }: Case): Kept | null {
  if (storage === undefined) return null;
  return { ...storage, username: "ann", bound: "attempt" };
}

/** Application frames pass the machine by, as they do in the host. */
function application(step: Step): unknown[] {
  if (step.binary !== undefined) return [{ application_binary: step.binary }];
  const frame = step.text === undefined ? null : readFrame(step.text);
  return frame !== null && "data" in frame ? [{ application: frame.data }] : [];
}

function inputs(step: Step): Input[] {
  if (step.binary !== undefined) return [];
  const text = step.message === undefined ? step.text : `@${JSON.stringify(step.message)}`;
  if (text === undefined) return [input(step)];
  const frame = readFrame(text);
  const message = frame.message ? readMessage(frame.message) : null;
  return message === null ? [] : [{ do: "message", message }];
}

const loggingIn = () => {};
const waiting = () => {};

function input(step: Step): Input {
  if (step.start) return { do: "start" };
  if (step.opened) return { do: "opened" };
  if (step.closed !== undefined) return { do: "closed", code: step.closed };
  if (step.login) {
    const { register, ...credentials } = step.login;
    return { do: "login", settle: loggingIn, wish: { type: register ? "Register" : "Login", ...credentials } };
  }
  if (step.logout) return { do: "logout", settle: waiting, wish: { type: "Logout", ...step.logout } };
  if (step.refresh) return { do: "refresh", settle: waiting };
  assert.ok(step.tick, "a step needs an input");
  return { do: "tick" };
}

function shownOutput(output: Output): unknown[] {
  switch (output.do) {
    case "connect":
      return [{ connect: true }];
    case "send":
      return [{ send: output.what }];
    case "outcome": {
      const { what: outcome } = output;
      if (output.settle !== loggingIn || !("code" in outcome) || outcome.code === "lost") return [];
      return [{ login_refused: outcome.retry_after ?? null }];
    }
    default:
      return [output];
  }
}

function shown(kept: Kept | null): unknown {
  if (kept === null) return null;
  const { session, generation, token, attempt } = kept;
  return { session, generation, token, attempt: attempt ?? null };
}

/** The examples call it waiting, for whatever the client waits. */
function named(status: Status): string {
  if (status.status === "logged-out") return status.reason;
  return status.status === "stopped" ? "waiting" : status.status;
}

/** This client tells the reason in one word, whoever it came from. */
function flat(state: NonNullable<Step["state"]>): string {
  if (typeof state === "string") return state;
  const why = state.logged_out;
  if (typeof why === "string") return why;
  return "refused" in why ? why.refused : (why.revoked ?? "revoked");
}
