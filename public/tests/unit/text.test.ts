import { expect, test } from "vitest";
import { calm, nameOr } from "../../src/lib/text";

test("direction overrides and isolates are taken out", () => {
  expect(calm("\u202eevil\u202c \u2066x\u2069 \u200fy\u061c")).toBe("evil x y");
});

test("control characters become one space", () => {
  expect(calm("a\u0000\u0007b\r\nc\u2028d")).toBe("a b c d");
});

test("emoji built with joiners stay whole", () => {
  expect(calm("👩‍🔧 ⛰️")).toBe("👩‍🔧 ⛰️");
});

test("markup stays text", () => {
  expect(calm("<b>x</b>")).toBe("<b>x</b>");
});

test.each(["", "  ", "\u200b\u200b", "\u202e", null, undefined])("a name of nothing (%j) gets words", (name) => {
  expect(nameOr(name, "(no name)")).toBe("(no name)");
});
