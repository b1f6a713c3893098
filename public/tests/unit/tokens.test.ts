import { expect, test } from "vitest";
import css from "../../src/styles/tokens.css?raw";

type Side = "light" | "dark";

/** Tokens that are a colour for either side. */
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(([, name = "", light = "", dark = ""]) => [
    name,
    { light, dark },
  ]),
);

type Rgb = [number, number, number];

function linear(hex: string): Rgb {
  const channel = (at: number): number => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function color(name: string, side: Side): string {
  const token = tokens.get(name);
  if (!token) throw new Error(`no token ${name}`);
  return token[side];
}

function contrast(a: string, b: string): number {
  const light = (hex: string): number => {
    const [r, g, bl] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [high = 0, low = 0] = [light(a), light(b)].sort((x, y) => y - x);
  return Math.round(((high + 0.05) / (low + 0.05)) * 100) / 100;
}

const roles = ["repeater", "companion", "room", "sensor", "observer"].map((name) => `role-${name}`);
const families = ["identity", "channel", "direct", "request", "routing", "neutral"].map((name) => `family-${name}`);
const states = ["ok", "warn", "bad", "idle"].map((name) => `status-${name}`);
const sides: Side[] = ["dark", "light"];

test.each<[string, Side, number]>([
  ["text", "dark", 15.5],
  ["text2", "dark", 9],
  ["text3", "dark", 5.8],
  ["accent", "dark", 8.4],
  ["text", "light", 16.4],
  ["text2", "light", 7.5],
  ["text3", "light", 5.2],
  ["accent", "light", 5.9],
])("%s on the %s ground reaches %d", (name, side, ratio) => {
  expect(Math.round(contrast(color(name, side), color("bg", side)) * 10) / 10).toBeGreaterThanOrEqual(ratio);
});

test("text and accent stay readable on every surface", () => {
  for (const side of sides) {
    for (const name of ["text", "text2", "text3", "accent"]) {
      for (const ground of ["bg", "panel", "raised"]) {
        expect(contrast(color(name, side), color(ground, side)), `${name} on ${ground}, ${side}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  }
});

test("families are readable on ground and panel", () => {
  for (const family of families) {
    expect(contrast(color(family, "dark"), color("bg", "dark")), family).toBeGreaterThanOrEqual(5.85);
    expect(contrast(color(family, "light"), color("panel", "light")), family).toBeGreaterThanOrEqual(5.45);
    // The other one of the two grounds a badge may lie on.
    expect(contrast(color(family, "dark"), color("panel", "dark")), family).toBeGreaterThanOrEqual(4.5);
    expect(contrast(color(family, "light"), color("bg", "light")), family).toBeGreaterThanOrEqual(4.5);
  }
});

test("roles can be seen on raised, white and a pale map", () => {
  for (const role of roles) {
    expect(contrast(color(role, "dark"), color("raised", "dark")), role).toBeGreaterThanOrEqual(4.86);
    expect(contrast(color(role, "light"), "#ffffff"), role).toBeGreaterThanOrEqual(3.5);
    expect(contrast(color(role, "light"), "#f2efe9"), role).toBeGreaterThanOrEqual(3.1);
  }
});

test("words in a status colour are readable", () => {
  for (const side of sides) {
    for (const state of states) {
      for (const ground of ["bg", "panel"]) {
        expect(contrast(color(state, side), color(ground, side)), `${state} on ${ground}, ${side}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  }
});

// CIEDE2000 between the members of a set, for normal and three kinds of colour-blind vision.

type Matrix = [Rgb, Rgb, Rgb];

const visions: Record<string, Matrix> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const dot = (row: Rgb, [x, y, z]: Rgb): number => row[0] * x + row[1] * y + row[2] * z;
const times = (matrix: Matrix, vector: Rgb): Rgb => [dot(matrix[0], vector), dot(matrix[1], vector), dot(matrix[2], vector)];

const xyz: Matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]];

function lab(hex: string, vision: Matrix): Rgb {
  const seen = times(vision, linear(hex)).map((value) => Math.min(1, Math.max(0, value))) as Rgb;
  const [x, y, z] = times(xyz, seen);
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

function deltaE([l1, a1, b1]: Rgb, [l2, a2, b2]: Rgb): number {
  const rad = Math.PI / 180;
  const meanC = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(meanC ** 7 / (meanC ** 7 + 25 ** 7)));
  const hue = (a: number, b: number): number => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / rad + 360) % 360);
  const [c1, c2] = [Math.hypot(a1 * (1 + g), b1), Math.hypot(a2 * (1 + g), b2)];
  const [h1, h2] = [hue(a1 * (1 + g), b1), hue(a2 * (1 + g), b2)];
  const dL = l2 - l1;
  const dC = c2 - c1;
  let dh = c1 * c2 === 0 ? 0 : h2 - h1;
  if (dh > 180) dh -= 360;
  if (dh < -180) dh += 360;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * rad);
  const l = (l1 + l2) / 2;
  const c = (c1 + c2) / 2;
  let h = h1 + h2;
  if (c1 * c2 !== 0) h = Math.abs(h1 - h2) <= 180 ? h / 2 : h < 360 ? (h + 360) / 2 : (h - 360) / 2;
  const t =
    1 - 0.17 * Math.cos((h - 30) * rad) + 0.24 * Math.cos(2 * h * rad) + 0.32 * Math.cos((3 * h + 6) * rad) - 0.2 * Math.cos((4 * h - 63) * rad);
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sc = 1 + 0.045 * c;
  const sh = 1 + 0.015 * c * t;
  const turn = -2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)) * Math.sin(2 * 30 * Math.exp(-(((h - 275) / 25) ** 2)) * rad);
  return Math.sqrt((dL / sl) ** 2 + (dC / sc) ** 2 + (dH / sh) ** 2 + turn * (dC / sc) * (dH / sh));
}

function smallest(names: readonly string[], side: Side): number {
  let least = Infinity;
  for (const vision of Object.values(visions)) {
    const labs = names.map((name) => lab(color(name, side), vision));
    for (const [i, one] of labs.entries()) for (const other of labs.slice(i + 1)) least = Math.min(least, deltaE(one, other));
  }
  return least;
}

test("the colour distance is the published one", () => {
  expect(deltaE([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 3);
  expect(deltaE([50, 2.5, 0], [73, 25, -18])).toBeCloseTo(27.1492, 3);
});

test.each<[string, readonly string[], Side, number]>([
  ["roles", roles, "dark", 14],
  ["roles", roles, "light", 14],
  ["families", families, "dark", 10],
  ["families", families, "light", 10],
  ["status", states, "dark", 14],
  ["status", states, "light", 11],
])("%s are told apart by every eye", (_, names, side, least) => {
  expect(Math.round(smallest(names, side) * 10) / 10).toBeGreaterThanOrEqual(least);
});
