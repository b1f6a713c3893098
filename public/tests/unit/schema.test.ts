import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the types are made from the document that is here: else run `make openapi`", () => {
  const document = JSON.parse(readFileSync("openapi.json", "utf8")) as { components: { schemas: Record<string, { properties?: object }> } };
  const types = readFileSync("src/api/schema.ts", "utf8");
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    expect(types).toMatch(new RegExp(`^        ${name}: `, "m"));
    for (const property of Object.keys(schema.properties ?? {})) {
      expect(types, `${name}.${property}`).toMatch(new RegExp(`^ +${property}\\??: `, "m"));
    }
  }
});
