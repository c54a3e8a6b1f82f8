// How long a page takes from waking up to being authenticated: the SDK in headless Chromium, against the program as it
// is shipped, on loopback. Nothing here passes or fails; `cargo xtask bench --wake` runs it.

import { cpus, release, type } from "node:os";
import { parseArgs } from "node:util";
import { browser, closeBrowser } from "../support/browser.js";
import { connect, granted, PASSWORD, reached } from "../support/client.js";
import { Proxy } from "../support/proxy.js";
import { Server } from "../support/server.js";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
const ROUNDS = Number(values.rounds);
/** Each of these costs more than three seconds. */
const SILENT_ROUNDS = Math.ceil(ROUNDS / 4);
/** A page may wake up so often. */
const PAUSE_MS = 1_000;
/** How long the client must be going to wait by itself for a wake to be what brings it back. */
const WAIT_MS = 1_000;

const SETTINGS = { HANDFAST_LOG__LEVEL: "warn", HANDFAST_LIMITS__PRESENTATIONS_PER_SESSION: "off" };
const WAYS = [
  ["by proof of a key", {}, {}],
  ["under attempt keys", {}, { keys: false }],
  ["by cookie", { HANDFAST_DELIVERY: "cookie" }, { delivery: "cookie" }],
];

/** Runs `body` with a page that is logged in, behind a network that can be cut. */
async function withPage([, settings, options], body) {
  const server = await Server.start({ ...SETTINGS, ...settings });
  const proxy = await Proxy.to(server.url);
  const context = await (await browser()).newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${proxy.url}healthz`);
    await connect(page, options);
    await granted(page, "register", "ada", PASSWORD);
    return await body(page, proxy);
  } finally {
    await context.close();
    await proxy.dispose();
    await server.dispose();
  }
}

/** Says when the page hears `event`, and when it is authenticated anew after that. */
function timed(page, target, event) {
  return page.evaluate(
    ([name, type]) => {
      globalThis.measured = new Promise((resolve) => {
        globalThis[name].addEventListener(
          type,
          ({ timeStamp }) => {
            let isAway = globalThis.session.state.status !== "authenticated";
            const stop = globalThis.session.on("state", ({ status }) => {
              if (status !== "authenticated") isAway = true;
              else if (isAway) {
                stop();
                resolve(performance.now() - timeStamp);
              }
            });
          },
          { once: true, capture: true },
        );
      });
    },
    [target, event],
  );
}

/** The network was away for a while, and the browser says that it is back. */
async function networkBack(page, proxy) {
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await page.context().setOffline(true);
    proxy.close();
    const isDeep = ([wait, rest]) => {
      const { status, until } = globalThis.session.state;
      return status === "waiting" && until - Date.now() > wait && performance.now() - (globalThis.wokeAt ?? 0) > rest;
    };
    await page.waitForFunction(isDeep, [WAIT_MS, PAUSE_MS]);
    await timed(page, "window", "online");
    proxy.open();
    await page.context().setOffline(false);
    times.push(await page.evaluate(() => globalThis.measured));
    await page.evaluate(() => {
      globalThis.wokeAt = performance.now();
    });
  }
  return times;
}

/**
 * The page was frozen, and its connection died in the meantime without a word to it. A browser without a window freezes
 * no page, so the event is the test's.
 */
async function connectionDead(page, proxy) {
  const times = [];
  for (let round = 0; round < SILENT_ROUNDS; round += 1) {
    await reached(page, "authenticated");
    await timed(page, "document", "resume");
    proxy.replace();
    await page.evaluate(() => document.dispatchEvent(new Event("resume")));
    times.push(await page.evaluate(() => globalThis.measured));
  }
  return times;
}

function row(name, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const figure = (ms) => `${ms.toFixed(1)} ms`.padStart(12);
  const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  console.log(name.padEnd(56) + String(times.length).padStart(4) + figure(median) + figure(sorted.at(-1)));
}

console.log(
  `${type()} ${release()}, ${cpus().length} × ${cpus()[0].model}; Chromium ${(await browser()).version()}, Node ${process.version}`,
);
console.log(`From waking up to being authenticated, on loopback:\n${"".padEnd(56)}   n${"median".padStart(12)}${"max".padStart(12)}`);
for (const way of WAYS) row(`the network is back, ${way[0]}`, await withPage(way, networkBack));
row("the connection died in the sleep (3 s until it is left)", await withPage(WAYS[0], connectionDead));
await closeBrowser();
