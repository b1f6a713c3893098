import { expect, test } from "vitest";
import { parseFrame } from "../../src/api/frame";
import { backoff } from "../../src/lib/backoff";

test("the wait doubles from one second and ends at fifteen", () => {
  expect([0, 1, 2, 3, 4, 20].map((n) => backoff(n, 1))).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect([0, 1, 2, 20].map((n) => backoff(n, 0))).toEqual([1000, 1000, 2000, 7500]);
});

test("a packet frame and a lagged frame are taken", () => {
  expect(parseFrame('{"type":"packet","data":{"hash":"aa"}}')).toEqual({ type: "packet", data: { hash: "aa" } });
  expect(parseFrame('{"type":"lagged","dropped":3}')).toEqual({ type: "lagged", dropped: 3 });
});

test.each(["", "x", "null", "[]", '{"type":"hello"}', '{"type":"packet"}', '{"type":"packet","data":{"hash":1}}', new ArrayBuffer(2)])(
  "%j is ignored",
  (text) => {
    expect(parseFrame(text)).toBeNull();
  },
);
