import { expect, test } from "vitest";
import { age, ago, isFuture, parseTime, span } from "../../src/lib/time";

const NOW = Date.UTC(2026, 2, 18, 9, 3, 20);
const S = 1000;
const H = 3600 * S;

test.each([
  [0, "now"],
  [999, "now"],
  [1 * S, "1 s"],
  [59.9 * S, "59 s"],
  [60 * S, "1 min"],
  [59 * 60 * S, "59 min"],
  [1 * H, "1 h"],
  [24 * H, "24 h"],
])("%d ms ago is %s", (past, text) => {
  expect(age(NOW - past, NOW)).toBe(text);
});

test("beside a date an age says ago, and nothing when the date says it all", () => {
  expect(ago(NOW, NOW)).toBe("now");
  expect(ago(NOW - 90 * S, NOW)).toBe("1 min ago");
  expect(ago(NOW - 25 * H, NOW)).toBe("");
  expect(ago(NOW + 2 * H, NOW)).toBe("");
});

test("older than a day is a date of this year with the time", () => {
  expect(age(NOW - 25 * H, NOW)).toMatch(/^03-1[67] \d\d:\d\d$/);
});

test("another year is the date alone", () => {
  expect(age(Date.UTC(1970, 5, 5), NOW)).toBe("1970-06-05");
  expect(age(Date.UTC(2106, 1, 7, 12), NOW)).toBe("2106-02-07");
});

test("a little future is now, more is told", () => {
  expect(age(NOW + 30 * S, NOW)).toBe("now");
  expect(isFuture(NOW + 30 * S, NOW)).toBe(false);
  expect(isFuture(NOW + 61 * S, NOW)).toBe(true);
  expect(age(NOW + 2 * H, NOW)).toMatch(/^03-18/);
});

test("what is no time is null", () => {
  expect(parseTime("2026-03-18T09:03:20.000Z")).toBe(NOW);
  expect(parseTime("soon")).toBeNull();
  expect(parseTime(null)).toBeNull();
  expect(parseTime(undefined)).toBeNull();
});

test.each([
  [0, "0.0 s"],
  [2140, "2.1 s"],
  [45 * S, "45 s"],
  [200 * S, "3 min 20 s"],
  [180 * S, "3 min"],
  [5 * H + 120 * S, "5 h 2 min"],
  [49 * H, "2 d 1 h"],
])("a span of %d ms is %s", (ms, text) => {
  expect(span(ms)).toBe(text);
});
