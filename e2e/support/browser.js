// The one browser of a run: Debian's build of Chromium that has no window.

import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let launched;

export function browser() {
  launched ??= chromium.launch({
    executablePath: execFileSync("which", ["chromium-headless-shell"], { encoding: "utf8" }).trim(),
    args: FLAGS,
  });
  return launched;
}

export async function closeBrowser() {
  await (await launched)?.close();
}
