// What `npm pack` would publish: nothing but built files, types, README and licences.

import { spawnSync } from "node:child_process";

const PUBLISHED = /^(dist\/[a-z0-9-]+(\.min\.js|\.js|\.d\.ts)|README\.md|LICENSE-(APACHE|MIT)|package\.json)$/;

const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
const [{ files }] = JSON.parse(stdout);
const paths = files.map(({ path }) => path);
console.log(paths.join("\n"));
const stray = paths.filter((path) => !PUBLISHED.test(path));
if (stray.length > 0) {
  console.error(`not to be published: ${stray.join(", ")}`);
  process.exit(1);
}
