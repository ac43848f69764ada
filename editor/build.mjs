// Builds the editor into the pages' static folder, or (with --test) bundles each test file for node's runner.
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../src/labelwright/web/static/editor");
const shared = { bundle: true, target: "es2022", loader: { ".svg": "text" }, logLevel: "warning" };

const page = {
  ...shared,
  entryPoints: [join(here, "src/main.ts"), join(here, "src/decoder.ts"), join(here, "src/main.css")],
  outdir: out,
  format: "esm",
  minify: !process.argv.includes("--plain"),
  sourcemap: "linked",
  legalComments: "linked",
};

async function tests() {
  const target = join(here, ".test");
  rmSync(target, { recursive: true, force: true });
  const files = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts") || name === "soak.ts");
  await esbuild.build({
    ...shared,
    entryPoints: files.map((name) => join(here, "test", name)),
    outdir: target,
    outExtension: { ".js": ".mjs" },
    format: "esm",
    platform: "node",
    sourcemap: "inline",
  });
}

// The page that describes the API works offline: its viewer is served by us.
function apiViewer() {
  const from = join(here, "../node_modules/swagger-ui-dist");
  const target = join(here, "../src/labelwright/web/static/apidocs");
  mkdirSync(target, { recursive: true });
  for (const name of ["swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE"])
    copyFileSync(join(from, name), join(target, name));
}

if (!process.argv.includes("--test")) apiViewer();
if (process.argv.includes("--test")) await tests();
else if (process.argv.includes("--watch")) await (await esbuild.context(page)).watch();
else await esbuild.build(page);
