// Measures dist against the budgets: what the first view loads, and every chunk that may follow.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const kB = 1000;
const budget = { js: 130 * kB, css: 25 * kB, chunk: 60 * kB };

/** @param {string} name file below dist */
const gzipped = (name) => gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length;
/** @param {number} bytes */
const text = (bytes) => `${(bytes / kB).toFixed(1)} kB`;

const html = readFileSync(new URL("index.html", dist), "utf8");
const linked = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? "");
const problems = [];

if (/<style|style="|<script(?![^>]*\bsrc=)/.test(html)) problems.push("index.html has inline script or style");

/**
 * @param {string} what
 * @param {number} bytes
 * @param {number} limit
 */
function check(what, bytes, limit) {
  console.log(`${what.padEnd(28)} ${text(bytes).padStart(9)} gzip of ${text(limit)}`);
  if (bytes > limit) problems.push(`${what} is ${text(bytes)}, allowed are ${text(limit)}`);
}

for (const kind of /** @type {const} */ (["js", "css"])) {
  const names = linked.filter((name) => name.endsWith(`.${kind}`));
  check(`initial ${kind}`, names.reduce((sum, name) => sum + gzipped(name), 0), budget[kind]);
}
for (const name of readdirSync(new URL("assets/", dist))) {
  const path = `assets/${name}`;
  if (/\.(js|css)$/.test(name) && !linked.includes(path)) check(name, gzipped(path), budget.chunk);
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
