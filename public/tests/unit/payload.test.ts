import { expect, test } from "vitest";
import { parseTypes, payloadType, payloadTypes, routeName, typesText } from "../../src/lib/payload";

test("every type has its own id, name and code", () => {
  for (const key of ["id", "name", "code"] as const) {
    expect(new Set(payloadTypes.map((type) => type[key])).size).toBe(payloadTypes.length);
  }
  expect(payloadTypes.map((type) => type.id).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15]);
  expect(payloadTypes.every((type) => /^[A-Z]{2,3}$/.test(type.code))).toBe(true);
});

test.each([12, 13, 14, 99, null])("type %s is unknown, not lost", (id) => {
  expect(payloadType(id)).toMatchObject({ code: "?", family: "neutral" });
});

test("types in an address may be names or numbers", () => {
  expect([...parseTypes("advert, 5,nonsense,,15")]).toEqual([4, 5, 15]);
  expect(parseTypes(null).size).toBe(0);
});

test("types are written in legend order", () => {
  expect(typesText(new Set([5, 4]))).toBe("ADVERT,GRP_TXT");
  expect(typesText(new Set())).toBe("");
});

test("routes", () => {
  expect(routeName(1)).toBe("Flood");
  expect(routeName(null)).toBe("Unknown");
  expect(routeName(7)).toBe("Unknown");
});
