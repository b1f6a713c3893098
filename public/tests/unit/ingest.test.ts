import { expect, test } from "vitest";
import type { Ingest } from "../../src/api/types";
import { ingestNotice } from "../../src/lib/ingest";

const problem = (state: "degraded" | "failing", text: string, source?: string): Ingest["problems"][number] => ({
  state,
  code: "any",
  text,
  ...(source === undefined ? {} : { source }),
});

test("nothing is said while all is well, or while nothing is known", () => {
  expect(ingestNotice(null)).toBeNull();
  expect(ingestNotice({ state: "ok", problems: [] })).toBeNull();
});

test("the worst is said, with its source and how much more there is", () => {
  const problems = [
    problem("failing", "no broker has been connected for five minutes"),
    problem("degraded", "the broker is not connected", "home"),
  ];
  expect(ingestNotice({ state: "failing", problems })).toEqual({
    state: "failing",
    text: "No broker has been connected for five minutes, and 1 more.",
  });
  expect(ingestNotice({ state: "degraded", problems: problems.slice(1) })).toEqual({
    state: "degraded",
    text: "home: the broker is not connected.",
  });
});

test("a collecting program that says nothing is said not to run", () => {
  expect(ingestNotice({ state: "unknown", problems: [] })?.state).toBe("failing");
});
