// A test in a real browser that also fails on whatever the browser complains of.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, closeBrowser } from "./browser.js";
import { PATIENCE_MS } from "./patience.js";
import { Server } from "./server.js";

/** What Chromium says when a server goes away: expected where a test kills it. */
export const SERVER_GONE = /^WebSocket connection to .* failed/;

/** When to give up on a scenario; the longest ones watch tokens grow old for half a minute. */
const TIME_OUT_MS = 240_000;

after(closeBrowser);

/**
 * Runs `body` with a server of its own.
 *
 * @param {string} sentence what is promised
 * @param {{settings?: Record<string, string>, program?: object, tolerate?: RegExp}} options
 * @param {(scene: Scene) => Promise<void>} body
 */
export function scenario(sentence, { settings, program, tolerate }, body) {
  test(sentence, { timeout: TIME_OUT_MS }, async () => {
    const scene = new Scene(await Server.start(settings, program));
    try {
      await body(scene);
      const complaints = scene.complaints.filter((text) => !tolerate?.test(text));
      assert.deepEqual(complaints, [], "the browser's console must stay empty");
      assert.ok(!scene.serverToldSecrets(), "a secret in the server's log");
    } finally {
      await scene.dispose();
    }
  });
}

export class Scene {
  complaints = [];
  /** How many connections pages have made. */
  connections = 0;
  /** Whatever must never be seen in a log. */
  secrets = new Set();
  #contexts = [];

  constructor(server) {
    this.server = server;
  }

  /** Another device: a browser context with storage of its own, and one page. */
  async device(options = {}) {
    const context = await (await browser()).newContext(options);
    this.#contexts.push(context);
    context.setDefaultTimeout(PATIENCE_MS);
    return this.tab(context);
  }

  /** One more tab of a device. */
  async tab(context) {
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
      if (this.#tells(message.text())) this.complaints.push("a secret in the console");
    });
    page.on("websocket", () => {
      this.connections += 1;
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`));
    });
    return page;
  }

  /** More tabs of a device, which load the demo page at the same time. */
  async tabs(context, count) {
    const tabs = await Promise.all(Array.from({ length: count }, () => this.tab(context)));
    await Promise.all(tabs.map((tab) => tab.goto(this.server.url)));
    return tabs;
  }

  /** Ends a page as a crash does, without a word to anybody. */
  async crash(page) {
    const session = await page.context().newCDPSession(page);
    const crashed = page.waitForEvent("crash");
    // Nobody is left to answer this.
    session.send("Page.crash").catch(() => {});
    await crashed;
  }

  /** A device that shows the demo page. */
  async demo(options) {
    const page = await this.device(options);
    await page.goto(this.server.url);
    return page;
  }

  serverToldSecrets() {
    return this.#tells(this.server.log);
  }

  #tells(text) {
    return Array.from(this.secrets).some((secret) => text.includes(secret));
  }

  async dispose() {
    for (const context of this.#contexts) await context.close();
    await this.server.dispose();
  }
}
