import { expect, test } from "vitest";
import { fieldsOf } from "../../src/lib/fields";

test("known keys have labels and units", () => {
  expect(fieldsOf({ type: "ADVERT", lat: 37.3, battery_mv: 3980, signatureValid: false })).toEqual([
    { key: "type", label: "Kind", value: "ADVERT", kind: "plain" },
    { key: "lat", label: "Latitude", value: "37.30000", unit: "°", kind: "plain" },
    { key: "battery_mv", label: "Battery", value: "3980", unit: "mV", kind: "plain" },
    { key: "signatureValid", label: "Signature valid", value: "no", kind: "plain" },
  ]);
});

test("flags are a list of their own", () => {
  expect(fieldsOf({ flags: { raw: 146, repeater: true } })[0]).toMatchObject({
    kind: "list",
    fields: [
      { key: "raw", value: "0x92", kind: "hex" },
      { key: "repeater", value: "yes" },
    ],
  });
});

test("unknown keys are shown as they are", () => {
  expect(fieldsOf({ brandNew: { deep: [1, "\u202ex"] }, other: [true, { a: 1 }] })).toMatchObject([
    { label: "brandNew", kind: "list", fields: [{ label: "deep", value: "1, x" }] },
    { label: "other", value: 'yes, {"a":1}', kind: "radio" },
  ]);
});

test("zero, empty and false are shown, absent is not", () => {
  expect(fieldsOf({ tag: 0, text: "", ctrlZeroHop: false, name: null, lat: undefined }).map((field) => [field.key, field.value])).toEqual([
    ["tag", "00000000"],
    ["text", ""],
    ["ctrlZeroHop", "no"],
  ]);
});
