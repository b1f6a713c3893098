import { expect, test } from "vitest";
import { fitHops, parsePath } from "../../src/lib/path";

test("hops of a path_json", () => {
  expect(parsePath('["A1","B2"]')).toEqual(["A1", "B2"]);
  expect(parsePath("[]")).toEqual([]);
});

test.each([null, undefined, "", "not json", "{}", "[1,null]"])("%j has no hops", (json) => {
  expect(parsePath(json)).toEqual([]);
});

test("all hops are shown when they fit", () => {
  expect(fitHops(["A1", "B2", "C3"], 200)).toBe(3);
});

test("room is kept for the pill", () => {
  const hops = Array.from({ length: 64 }, () => "A1");
  const shown = fitHops(hops, 180);
  expect(shown).toBeGreaterThan(2);
  expect(shown).toBeLessThan(7);
});

test("one hop is always shown", () => {
  expect(fitHops(["ABCDEF", "ABCDEF"], 10)).toBe(1);
});
