import type { DecodedPayload } from "../api/types";
import { count, plural, short, signed } from "./format";
import { payloadType } from "./payload";
import { roleNames, roleOfFlags, type Role } from "./role";
import { calm, nameOr } from "./text";
import { span } from "./time";

/** A piece of a sentence. `name`, `sender`, `said` and `channel` come from the radio, the others are ours. */
export type Part =
  | { kind: "text"; text: string }
  | { kind: "muted"; text: string }
  | { kind: "warning"; text: string }
  | { kind: "name"; text: string }
  | { kind: "sender"; text: string }
  | { kind: "said"; text: string }
  | { kind: "channel"; text: string }
  | { kind: "hex"; text: string }
  | { kind: "role"; role: Role };

const text = (words: string): Part => ({ kind: "text", text: words });
const muted = (words: string): Part => ({ kind: "muted", text: words });
const warning = (words: string): Part => ({ kind: "warning", text: words });
const name = (words: string): Part => ({ kind: "name", text: words });
const hex = (digits: string): Part => ({ kind: "hex", text: digits });

const UNNAMED = "(no name)";

/** A field that is a text; empty for anything else. */
export function str(payload: DecodedPayload, key: string): string {
  const value = payload[key];
  return typeof value === "string" ? value : "";
}

/** A field that is a number; `null` for anything else. */
export function num(payload: DecodedPayload, key: string): number | null {
  const value = payload[key];
  return typeof value === "number" ? value : null;
}

/** What was said, without the sender's name before the colon. */
function said(payload: DecodedPayload): string {
  const whole = str(payload, "text");
  const prefix = `${str(payload, "sender")}: `;
  return calm(prefix.length > 2 && whole.startsWith(prefix) ? whole.slice(prefix.length) : whole);
}

function channelByte(payload: DecodedPayload): string {
  const digits = str(payload, "channelHashHex") || (num(payload, "channelHash") ?? 0).toString(16).padStart(2, "0");
  return `0x${digits.toUpperCase()}`;
}

function closedChannel(payload: DecodedPayload): Part[] {
  const reason = str(payload, "decryptionStatus") === "decryption_failed" ? "key does not fit" : "no key";
  return [muted(`${reason} ·`), hex(channelByte(payload))];
}

function traceSignals(payload: DecodedPayload): Part[] {
  const values = payload["snrValues"];
  if (!Array.isArray(values) || values.length === 0) return [muted("· no hop yet")];
  const list = values.map((value) => (typeof value === "number" ? signed(value) : "?")).join(", ");
  return [muted(`· ${list} dB`)];
}

const controls: Readonly<Record<string, string>> = {
  DISCOVER_REQ: "Who is here?",
  DISCOVER_RESP: "I am here",
};

type Line = (payload: DecodedPayload) => Part[];

const between: Line = (payload) => [hex(str(payload, "srcHash") || "??"), muted("→"), hex(str(payload, "destHash") || "??")];

const lines: Readonly<Record<string, Line>> = {
  CHAN: (payload) => {
    const parts: Part[] = [{ kind: "channel", text: nameOr(str(payload, "channel"), "channel") }];
    const sender = calm(str(payload, "sender"));
    if (sender) parts.push({ kind: "sender", text: sender });
    parts.push({ kind: "said", text: said(payload) || "(empty)" });
    return parts;
  },
  DM: (payload) => [{ kind: "sender", text: nameOr(str(payload, "sender"), UNNAMED) }, { kind: "said", text: said(payload) || "(empty)" }],
  GRP_TXT: (payload) => {
    const channel = calm(str(payload, "channel"));
    return channel ? [{ kind: "channel", text: channel }, muted("not a text")] : closedChannel(payload);
  },
  GRP_DATA: (payload) => {
    const channel = calm(str(payload, "channel"));
    if (!channel) return closedChannel(payload);
    return [{ kind: "channel", text: channel }, text(`type ${num(payload, "dataType") ?? "?"},`), text(plural(num(payload, "dataLen") ?? 0, "byte"))];
  },
  ADVERT: (payload) => {
    const parts: Part[] = [{ kind: "role", role: roleOfFlags(payload["flags"]) }, name(nameOr(str(payload, "name"), UNNAMED))];
    if (payload["signatureValid"] === false) parts.push(warning("signature wrong"));
    return parts;
  },
  REQ: between,
  RESPONSE: between,
  TXT_MSG: between,
  PATH: between,
  ANON_REQ: (payload) => [hex(short(str(payload, "ephemeralPubKey")) || "??"), muted("→"), hex(str(payload, "destHash") || "??")],
  ACK: (payload) => [muted("for"), hex(str(payload, "extraHash") || "??")],
  TRACE: (payload) => [hex((num(payload, "tag") ?? 0).toString(16).padStart(8, "0")), ...traceSignals(payload)],
  MULTIPART: (payload) => [text(payloadType(num(payload, "innerType")).short), muted(`· ${plural(num(payload, "remaining") ?? 0, "part")} to come`)],
  CONTROL: (payload) => {
    const subtype = str(payload, "ctrlSubtype");
    const parts: Part[] = [text(controls[subtype] ?? "Unknown control")];
    const key = str(payload, "ctrlPubKey");
    if (key) parts.push(hex(short(key)));
    return parts;
  },
  RAW_CUSTOM: (payload) => [text(plural(num(payload, "rawLength") ?? 0, "byte")), muted("· first"), hex(str(payload, "firstByteTag") || "–")],
};

/** What a packet says, on one line of a table. */
export function lineOf(payload: DecodedPayload | null, type: number | null): Part[] {
  if (payload === null) return [muted(payloadType(type).long)];
  const error = str(payload, "error");
  const line = lines[payload.type ?? ""];
  if (error) return [warning(`cannot be read: ${calm(error)}`)];
  return line ? line(payload) : [muted(payloadType(type).long)];
}

const subjects: Readonly<Record<string, Line>> = {
  CHAN: (payload) => {
    const sender = calm(str(payload, "sender"));
    return [
      text("Text on"),
      { kind: "channel", text: nameOr(str(payload, "channel"), "a channel") },
      ...(sender ? [text("from"), name(sender)] : []),
    ];
  },
  DM: (payload) => [text("Direct text from"), name(nameOr(str(payload, "sender"), UNNAMED))],
  GRP_TXT: (payload) => [text("Encrypted channel text, channel"), hex(channelByte(payload))],
  GRP_DATA: (payload) => [text("Channel data, channel"), hex(channelByte(payload))],
  ADVERT: (payload) => {
    const role = roleOfFlags(payload["flags"]);
    return [text("Advert of"), { kind: "role", role }, text(roleNames[role]), name(nameOr(str(payload, "name"), UNNAMED))];
  },
  REQ: (payload) => [text("Encrypted request from"), ...withWord(payload, "to")],
  RESPONSE: (payload) => [text("Encrypted response from"), ...withWord(payload, "to")],
  TXT_MSG: (payload) => [text("Encrypted direct text from"), ...withWord(payload, "to")],
  PATH: (payload) => [text("Returned path from"), ...withWord(payload, "to")],
  ANON_REQ: (payload) => [text("Request of the key"), hex(short(str(payload, "ephemeralPubKey"))), text("to"), hex(str(payload, "destHash"))],
  ACK: (payload) => [text("Receipt for the message with checksum"), hex(str(payload, "extraHash"))],
  TRACE: (payload) => [text("Trace"), hex((num(payload, "tag") ?? 0).toString(16).padStart(8, "0"))],
  CONTROL: (payload) => [text(`Control packet, ${controls[str(payload, "ctrlSubtype")] ?? "unknown kind"}`)],
};

function withWord(payload: DecodedPayload, word: string): Part[] {
  return [hex(str(payload, "srcHash") || "??"), text(word), hex(str(payload, "destHash") || "??")];
}

export interface Heard {
  payload: DecodedPayload | null;
  payloadType: number | null;
  observations: number;
  observers: number;
  /** Milliseconds from the first to the last reception. */
  within: number | null;
  longestPath: number;
}

/** What a packet is and how it was heard, in one sentence of plain words. */
export function sentenceOf({ payload, payloadType: type, observations, observers, within, longestPath }: Heard): Part[] {
  const subject = payload === null || str(payload, "error") ? undefined : subjects[payload.type ?? ""];
  const parts = payload !== null && subject ? subject(payload) : [text(payloadType(type).short)];
  const times = observations === 1 ? "heard once" : `heard ${count(observations)} times by ${plural(observers, "observer")}`;
  const time = observations > 1 && within !== null && within > 0 ? ` within ${span(within)}` : "";
  const path = longestPath === 0 ? "no hop in between" : `longest path ${plural(longestPath, "hop")}`;
  return [...parts, text(`– ${times}${time}, ${path}.`)];
}
