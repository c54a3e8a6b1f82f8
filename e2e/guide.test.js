// What the guide for browsers shows is run as it stands, with the server's address in place of the guide's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, watch, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { patience } from "./support/patience.js";
import { scenario } from "./support/scenario.js";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const guide = await readFile(here("../docs/guide/browser.md"), "utf8");
/** The built client, as it is committed. */
const CLIENT = here("../crates/server/src/pages/handfast.js");
const MODULES = here("node_modules");
const PASSWORD = "correct horse battery staple";

/** The examples under a heading that are written in that language. */
function examples(heading, language) {
  const section = guide.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  const found = Array.from(section.matchAll(/^```(\w+)\n(.*?)^```$/gms)).filter(([, written]) => written === language);
  assert.ok(found.length > 0, `the guide has no ${language} under ${heading}`);
  return found.map(([, , text]) => text);
}

/** An example that goes to this server. */
function at(server, text) {
  const address = text.replace(/wss?:\/\/[\w.:]+\/ws\//, new URL("ws/", server.url.replace("http", "ws")).href);
  assert.notEqual(address, text, "the example names an endpoint");
  return address;
}

/** A site of the reader's own, which the server is told of. */
const files = new Map();
const pages = createServer(({ url }, response) => {
  const file = files.get(url);
  const type = url.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
  response.writeHead(file === undefined ? 404 : 200, { "Content-Type": type });
  response.end(file);
});
await once(pages.listen(0, "127.0.0.1"), "listening");
after(() => pages.close());
const origin = `http://127.0.0.1:${pages.address().port}`;
/** The examples have no icon. */
const onSite = { settings: { HANDFAST_ALLOWED_ORIGINS: origin }, tolerate: /status of 404/ };

async function folder(body) {
  const path = await mkdtemp(join(tmpdir(), "handfast-guide-"));
  try {
    await body(path);
  } finally {
    await rm(path, { recursive: true });
  }
}

async function logIn(page) {
  await page.locator("[name=username]").fill("ada");
  await page.locator("[name=password]").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
}

scenario("the plain page logs in, says who is in, and does so in two tabs", onSite, async (scene) => {
  scene.secrets.add(PASSWORD);
  files.set("/plain", at(scene.server, examples("A plain page", "html")[0]));
  files.set("/index.min.js", await readFile(CLIENT, "utf8"));
  const page = await scene.device();
  await page.goto(`${origin}/plain`);
  const other = await scene.tab(page.context());
  await other.goto(`${origin}/plain`);
  await logIn(page);
  for (const tab of [page, other]) await tab.getByText("Logged in as ada").waitFor();
  // A connection that is still being made when the page goes is complained of.
  const leading = new Promise((resolve) => {
    other.once("websocket", (socket) => socket.on("framereceived", ({ payload }) => String(payload).includes('"Success"') && resolve()));
  });
  await page.close();
  await leading;
  await other.reload();
  await other.getByText("Logged in as ada").waitFor();
  await other.getByRole("button", { name: "Log out" }).click();
  await other.getByText("logged-out").waitFor();
  await other.locator("[name=username]").fill("ada");
  await other.locator("[name=password]").fill("not her password");
  await other.getByRole("button", { name: "Log in" }).click();
  await other.getByText("invalid_password").waitFor();
});

scenario("the React hook renders the session, from the login to the logout", onSite, async (scene) => {
  scene.secrets.add(PASSWORD);
  await folder(async (path) => {
    await writeFile(join(path, "session.js"), at(scene.server, examples("React", "js")[0]));
    await writeFile(join(path, "account.jsx"), examples("React", "jsx")[0]);
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { createRoot } from "react-dom/client";
          import { Account } from "./account.jsx";
          createRoot(document.getElementById("root")).render(<Account />);`,
        resolveDir: path,
        loader: "jsx",
      },
      alias: { "@handfast/client": CLIENT },
      nodePaths: [MODULES],
      bundle: true,
      format: "esm",
      jsx: "automatic",
      define: { "process.env.NODE_ENV": '"production"' },
      write: false,
    });
    files.set("/react.js", outputFiles[0].text);
  });
  files.set("/react", '<!doctype html><div id="root"></div><script type="module" src="/react.js"></script>');
  const page = await scene.device();
  await page.goto(`${origin}/react`);
  await logIn(page);
  await page.getByRole("button", { name: "ada: log out" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "ada: log out" }).click();
  await page.locator("[name=username]").fill("ada");
  await page.locator("[name=password]").fill("not her password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("invalid_password").waitFor();
});

/** The folder of a reader who has installed the packages that the example imports. */
async function project(path, server) {
  await writeFile(join(path, "package.json"), '{"type":"module"}');
  await writeFile(join(path, "chat.js"), at(server, examples("Node", "js")[0]));
  const client = join(path, "node_modules/@handfast/client");
  await mkdir(client, { recursive: true });
  await cp(CLIENT, join(client, "index.js"));
  await writeFile(join(client, "package.json"), '{"type":"module","exports":"./index.js"}');
  await symlink(join(MODULES, "ws"), join(path, "node_modules/ws"));
}

/** Runs the example until `body` is done. */
async function running(path, password, body) {
  const env = { PATH: process.env.PATH, CHAT_USER: "ada", CHAT_PASSWORD: password };
  const program = spawn(process.execPath, ["chat.js"], { cwd: path, env, stdio: ["ignore", "ignore", "pipe"] });
  // Behind the last of what it said.
  const ended = once(program, "close");
  let said = "";
  program.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  try {
    return await body(ended, () => said);
  } finally {
    program.kill("SIGKILL");
    await ended;
  }
}

/** What the example keeps, once it keeps a generation beyond `generation`. */
async function keptBeyond(path, generation) {
  const look = async () => {
    const text = await readFile(join(path, "session.json"), "utf8").catch(() => "{}");
    // A file that is being written is looked at again with the next change.
    const kept = /\}$/.test(text) ? JSON.parse(text) : {};
    return kept.generation > generation ? kept : null;
  };
  const done = new AbortController();
  const changes = watch(path, { signal: AbortSignal.any([done.signal, patience().signal]) });
  let changed = changes.next();
  try {
    for (;;) {
      const kept = await look();
      if (kept) return kept;
      await changed;
      changed = changes.next();
    }
  } finally {
    done.abort();
    await changed.catch(() => {});
  }
}

scenario("the Node program logs in, keeps its session in a file, and goes on with it", {}, async (scene) => {
  scene.secrets.add(PASSWORD);
  await folder(async (path) => {
    await project(path, scene.server);
    const first = await running(path, PASSWORD, () => keptBeyond(path, -1));
    assert.equal((await stat(join(path, "session.json"))).mode & 0o777, 0o600);
    const second = await running(path, PASSWORD, () => keptBeyond(path, first.generation));
    assert.equal(second.session, first.session);
  });
});

scenario("the Node program ends when its login is refused, and tells no password", {}, async (scene) => {
  await folder(async (path) => {
    await project(path, scene.server);
    await running(path, PASSWORD, () => keptBeyond(path, -1));
    await rm(join(path, "session.json"));
    await running(path, "not the password", async (ended, said) => {
      await ended;
      assert.match(said(), /^not logged in: invalid_password$/m);
      assert.ok(!said().includes("not the password"));
    });
  });
});
