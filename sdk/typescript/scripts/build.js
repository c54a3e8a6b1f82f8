// Builds `dist`: one bundled module for programs, the same one minified for a page without a bundler, and the types.

import { spawnSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { build } from "esbuild";

const bundle = {
  entryPoints: ["src/index.ts"],
  bundle: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
};

rmSync("dist", { recursive: true, force: true });
await build({ ...bundle, outfile: "dist/index.js" });
await build({ ...bundle, outfile: "dist/index.min.js", minify: true });
const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(`../../${licence}`, licence);
