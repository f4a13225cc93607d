// Fails the build where the first load is larger than the budget, gzip.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 200_000;
const out = new URL("../../../src/hotband/service/page/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", out), "utf8"));
const files = new Set();
const visit = (key) => {
  const chunk = manifest[key];
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const next of chunk.imports ?? []) visit(next);
};
visit("index.html");
// The home page's own chunk is part of the first load.
for (const [key, chunk] of Object.entries(manifest)) {
  if (chunk.isDynamicEntry && key.includes("pages/Dashboard/")) visit(key);
}
const size = [...files].reduce((sum, file) => {
  return sum + gzipSync(readFileSync(new URL(file, out))).length;
}, 0);
console.log(`first load: ${(size / 1000).toFixed(1)} kB gzip of ${BUDGET / 1000} kB`);
if (size > BUDGET) process.exit(1);
