import { expect, test } from "vitest";
import { change, settings, settingsOf } from "../../src/state/settings";

const usual = { v: 1, theme: "system", railSmall: false, dock: null };

test.each([null, undefined, "x", 7, [], {}, { theme: "pink", railSmall: "yes", dock: 5 }])("%j gives the usual settings", (stored) => {
  expect(settingsOf(stored, null)).toEqual(usual);
});

test("what fits is taken", () => {
  expect(settingsOf({ theme: "dark", railSmall: true, dock: 500.4 }, null)).toEqual({ v: 1, theme: "dark", railSmall: true, dock: 500 });
});

test("the theme of the former application is taken over once", () => {
  expect(settingsOf(null, "light").theme).toBe("light");
  expect(settingsOf({ theme: "system" }, "light").theme).toBe("system");
});

test("blocked storage changes nothing but memory", () => {
  change({ theme: "dark" });
  expect(settings.value.theme).toBe("dark");
});
