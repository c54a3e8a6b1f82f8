// Compiles sources and tests, then runs the tests with Node's own runner.

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";

rmSync("build", { recursive: true, force: true });
run("tsc", ["-p", "tsconfig.json"]);
const tests = readdirSync("build/test").filter((file) => file.endsWith(".test.js"));
run("node", ["--test", ...process.argv.slice(2), ...tests.map((file) => `build/test/${file}`)]);

function run(program, args) {
  const { status } = spawnSync(program, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
