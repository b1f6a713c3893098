import { expect, test } from "vitest";
import type { DecodedPayload } from "../../src/api/types";
import { lineOf, sentenceOf, type Part } from "../../src/lib/summary";

const words = (parts: Part[]): string => parts.map((part) => (part.kind === "role" ? `[${part.role}]` : part.text)).join(" ");

test.each<[string, DecodedPayload, number, string]>([
  ["channel text", { type: "CHAN", channel: "#test", sender: "Ann", text: "Ann: hello" }, 5, "#test Ann hello"],
  ["channel text without sender", { type: "CHAN", channel: "Public", text: "12: 30" }, 5, "Public 12: 30"],
  ["empty channel text", { type: "CHAN", channel: "#test", text: "" }, 5, "#test (empty)"],
  ["closed channel", { type: "GRP_TXT", channelHash: 58, channelHashHex: "3A", decryptionStatus: "no_key" }, 5, "no key · 0x3A"],
  ["wrong key", { type: "GRP_TXT", channelHash: 5, decryptionStatus: "decryption_failed" }, 5, "key does not fit · 0x05"],
  ["advert", { type: "ADVERT", name: "\u202eA", flags: { repeater: true } }, 4, "[repeater] A"],
  ["nameless advert", { type: "ADVERT", flags: {} }, 4, "[unknown] (no name)"],
  ["forged advert", { type: "ADVERT", name: "A", flags: { chat: true }, signatureValid: false }, 4, "[companion] A signature wrong"],
  ["direct text", { type: "TXT_MSG", srcHash: "a1", destHash: "b2" }, 2, "a1 → b2"],
  ["open request", { type: "ANON_REQ", ephemeralPubKey: "0123456789abcdef", destHash: "b2" }, 7, "01234567 → b2"],
  ["receipt", { type: "ACK", extraHash: "01020304" }, 3, "for 01020304"],
  ["trace", { type: "TRACE", tag: 255, snrValues: [3.5, -1] }, 9, "000000ff · +3.5, \u22121.0 dB"],
  ["trace, not yet heard", { type: "TRACE", tag: 1, snrValues: [] }, 9, "00000001 · no hop yet"],
  ["part", { type: "MULTIPART", innerType: 3, remaining: 1 }, 10, "Receipt · 1 part to come"],
  ["discovery", { type: "CONTROL", ctrlSubtype: "DISCOVER_REQ" }, 11, "Who is here?"],
  ["raw", { type: "RAW_CUSTOM", rawLength: 4, firstByteTag: "7F" }, 15, "4 bytes · first 7F"],
  ["unreadable", { type: "ACK", error: "too short", raw: "00" }, 3, "cannot be read: too short"],
  ["nothing known", { type: "SOMETHING" }, 13, "A payload type nobody has defined"],
])("%s on one line", (_, payload, type, line) => {
  expect(words(lineOf(payload, type))).toBe(line);
});

test("a packet without payload still says its type", () => {
  expect(words(lineOf(null, 4))).toBe("A node says who and where it is");
});

test("text from the radio is always marked as such", () => {
  const parts = lineOf({ type: "CHAN", channel: "#x", sender: "<b>", text: "<b>: <i>" }, 5);
  expect(parts.map((part) => part.kind)).toEqual(["channel", "sender", "said"]);
});

test("one sentence tells what and how", () => {
  const heard = { payload: { type: "CHAN", channel: "#test", sender: "A", text: "A: x" }, payloadType: 5, observations: 14, observers: 4, within: 2100, longestPath: 6 };
  expect(words(sentenceOf(heard))).toBe("Text on #test from A – heard 14 times by 4 observers within 2.1 s, longest path 6 hops.");
  expect(words(sentenceOf({ ...heard, observations: 1, observers: 1, within: 0, longestPath: 0 }))).toBe(
    "Text on #test from A – heard once, no hop in between.",
  );
});
