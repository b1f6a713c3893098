import { expect, test } from "vitest";
import { rewriteHash } from "../../src/lib/legacy";

test.each([
  ["#/", "/"],
  ["#/home", "/"],
  ["#/packets", "/packets"],
  ["#/packets/", "/packets"],
  ["#/packets?timeWindow=60&observer=A,B", "/packets?timeWindow=60&observer=A%2CB"],
  ["#/packets/62d2d65f4d029bdc", "/packets/62d2d65f4d029bdc"],
  ["#/packets/62d2d65f4d029bdc?obs=7", "/packets/62d2d65f4d029bdc?obs=7"],
  [`#/packets/${"ab".repeat(32)}?timeWindow=60`, `/packets?timeWindow=60&node=${"ab".repeat(32)}`],
  ["#/packets/id/42", "/packets/42"],
  ["#/packet/62d2d65f4d029bdc", "/packets/62d2d65f4d029bdc"],
  ["#/packet/42", "/packets/42"],
  ["#/nodes/abc?tab=x", "/nodes/abc?tab=x"],
  ["#/packets/a%2Fb", "/packets/a%2Fb"],
  ["#/packets/%zz", "/packets/%25zz"],
])("%s leads to %s", (hash, to) => {
  expect(rewriteHash(hash)).toBe(to);
});

test.each(["", "#", "#content", "#top/x"])("%j is no address", (hash) => {
  expect(rewriteHash(hash)).toBeNull();
});
