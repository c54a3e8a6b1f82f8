// Builds `dist`: one bundled module for programs, the same one minified for a page without a bundler, and the types.

import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { minify } from "terser";

/** Fields that nobody outside of the bundle sees: no program, no other tab, no server, no storage, no browser. */
const INTERNAL = `
  asked canProve cookie copy deadline dialAt dice driver ended endpoint evidence exchange execute failures for freeze
  from grant input is isByCookie isInCharge isOpen kept lastId line link listen look ms newName openChannel openSocket
  outputs pass policy reconnectAfter refreshAt renew renewed requestLock resign retryAt setTimer settle signing
  standing stop thaw tick time tried unanswered unixMs upgradeId wake what`
  .trim()
  .split(/\s+/);

const bundle = {
  entryPoints: ["src/index.ts"],
  bundle: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
};

const terser = {
  module: true,
  ecma: 2020,
  compress: {
    passes: 2,
    sequences: false,
    hoist_funs: true,
    lhs_constants: false,
    pure_getters: true,
    unsafe_arrows: true,
    // Turns comparisons round. One number may be missing, so it is compared in a condition that stays as it is written:
    // `until`, by which a tab is asked for something. No other is ever NaN.
    unsafe_comps: true,
    // Takes for granted that nobody has replaced what the language itself brings.
    unsafe: true,
  },
  mangle: { properties: { regex: new RegExp(`^(${INTERNAL.join("|")})$`), builtins: true } },
};

rmSync("dist", { recursive: true, force: true });
await build({ ...bundle, outfile: "dist/index.js" });
await build({ ...bundle, minifySyntax: true, outfile: "dist/index.min.js" });
const { code } = await minify(readFileSync("dist/index.min.js", "utf8"), terser);
writeFileSync("dist/index.min.js", `${code}\n`);
const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(`../../${licence}`, licence);
