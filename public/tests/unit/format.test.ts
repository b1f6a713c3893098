import { expect, test } from "vitest";
import { count, degrees, plural, signed } from "../../src/lib/format";

test.each([
  [0, "0"],
  [999, "999"],
  [1000, "1\u202f000"],
  [1340147, "1\u202f340\u202f147"],
])("%d is grouped in threes", (n, text) => {
  expect(count(n)).toBe(text);
});

test.each([
  [12.25, "+12.3"],
  [-6.5, "\u22126.5"],
  [0, "+0.0"],
  [-0.04, "+0.0"],
])("%d shows its sign", (value, text) => {
  expect(signed(value)).toBe(text);
});

test("whole dBm", () => {
  expect(signed(-114, 0)).toBe("\u2212114");
});

test("one is not many", () => {
  expect(plural(1, "hop")).toBe("1 hop");
  expect(plural(2, "hop")).toBe("2 hops");
});

test("degrees", () => {
  expect(degrees(-121.9)).toBe("\u2212121.90000");
});
