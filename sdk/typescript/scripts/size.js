// What a page downloads: the minified bundle, gzipped. Fails where it has grown beyond the limit.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 8 * 1024;

const bundle = readFileSync("dist/index.min.js");
const gzipped = gzipSync(bundle, { level: 9 }).length;
console.log(`dist/index.min.js: ${bundle.length} bytes, gzipped ${gzipped} (limit ${LIMIT_BYTES})`);
if (gzipped > LIMIT_BYTES) process.exit(1);
