import { expect, test } from "vitest";
import { asciiByte, bytesOf, hexByte, layersOf, offsetText } from "../../src/lib/hex";

test("bytes of hex in any case", () => {
  expect([...bytesOf("00fFa1")]).toEqual([0, 255, 161]);
  expect(bytesOf(null).length).toBe(0);
  expect([...bytesOf("11zz22")]).toEqual([17]);
  expect([...bytesOf("112")]).toEqual([17]);
});

test("texts of a dump", () => {
  expect(hexByte(10)).toBe("0A");
  expect(offsetText(16)).toBe("0010");
  expect([0x41, 0x1f, 0x7f].map(asciiByte).join("")).toBe("A··");
});

test("flood: header, path of two one-byte hops, payload", () => {
  expect(layersOf(bytesOf("1102AABB0102"))).toEqual([
    { name: "header", start: 0, end: 1 },
    { name: "path", start: 1, end: 4 },
    { name: "payload", start: 4, end: 6 },
  ]);
});

test("transport codes come before the path", () => {
  expect(layersOf(bytesOf("1011223344000102")).map(({ name, end }) => [name, end])).toEqual([
    ["header", 1],
    ["transport", 5],
    ["path", 6],
    ["payload", 8],
  ]);
});

test("the upper bits of the path byte are the size of a hop", () => {
  expect(layersOf(bytesOf("1141AABB01"))[1]).toEqual({ name: "path", start: 1, end: 4 });
});

test("the path of a trace holds one byte per hop", () => {
  expect(layersOf(bytesOf("2602303144"))[1]).toEqual({ name: "path", start: 1, end: 4 });
});

test("a frame that ends early ends its layers", () => {
  expect(layersOf(bytesOf("1105AA"))).toEqual([
    { name: "header", start: 0, end: 1 },
    { name: "path", start: 1, end: 3 },
  ]);
  expect(layersOf(bytesOf(""))).toEqual([]);
});
