import type { DecodedPayload } from "../api/types";
import { degrees, signed } from "./format";
import { calm } from "./text";
import { localTime } from "./time";

export interface Field {
  key: string;
  label: string;
  value: string;
  unit?: string;
  /** `hex` is set in mono, `radio` is text somebody sent, `list` has its own fields. */
  kind: "plain" | "hex" | "radio" | "list";
  fields?: Field[];
}

interface Known {
  label: string;
  kind?: Field["kind"];
  unit?: string;
  show?: (value: number) => string;
}

const hex = (label: string): Known => ({ label, kind: "hex" });
const radio = (label: string): Known => ({ label, kind: "radio" });
const clock = (seconds: number): string => `${localTime(seconds * 1000)} local`;

/** What we call the keys of a decoded payload. Keys that are not here are shown as they are. */
const known: Readonly<Record<string, Known>> = {
  type: { label: "Kind" },
  error: { label: "Error" },
  destHash: hex("To, key begins"),
  srcHash: hex("From, key begins"),
  mac: hex("Check code (MAC)"),
  encryptedData: hex("Encrypted data"),
  pathData: hex("Path data"),
  extraHash: hex("Checksum"),
  ackLen: { label: "Length", unit: "bytes" },
  ackExtra: hex("Extra bytes"),
  ackAttempt: { label: "Attempt" },
  ackRand: { label: "Random byte" },
  pubKey: hex("Public key"),
  timestamp: { label: "Sender's clock", show: clock },
  timestampISO: { label: "Sender's clock, UTC" },
  signature: hex("Signature"),
  signatureValid: { label: "Signature valid" },
  flags: { label: "Flags", kind: "list" },
  raw: { label: "Raw", kind: "hex", show: (value) => `0x${value.toString(16).padStart(2, "0")}` },
  lat: { label: "Latitude", unit: "°", show: degrees },
  lon: { label: "Longitude", unit: "°", show: degrees },
  name: radio("Name"),
  feat1: { label: "Feature 1" },
  feat2: { label: "Feature 2" },
  battery_mv: { label: "Battery", unit: "mV" },
  temperature_c: { label: "Temperature", unit: "°C" },
  chat: { label: "Companion" },
  repeater: { label: "Repeater" },
  room: { label: "Room server" },
  sensor: { label: "Sensor" },
  hasLocation: { label: "Has a position" },
  hasFeat1: { label: "Has feature 1" },
  hasFeat2: { label: "Has feature 2" },
  hasName: { label: "Has a name" },
  channel: radio("Channel"),
  channelHash: { label: "Channel byte" },
  channelHashHex: hex("Channel byte, hex"),
  decryptionStatus: { label: "Decryption" },
  text: radio("Text"),
  sender: radio("Sender"),
  sender_timestamp: { label: "Sender's clock", show: clock },
  dataType: { label: "Data type" },
  dataLen: { label: "Data length", unit: "bytes" },
  decryptedBlob: hex("Data"),
  ephemeralPubKey: hex("Sender's key"),
  tag: { label: "Tag", kind: "hex", show: (value) => value.toString(16).padStart(8, "0") },
  authCode: { label: "Authentication", kind: "hex", show: (value) => value.toString(16).padStart(8, "0") },
  traceFlags: { label: "Trace flags" },
  snrValues: { label: "SNR at each hop", unit: "dB", show: (value) => signed(value, 2) },
  remaining: { label: "Parts to come" },
  innerType: { label: "Inner type" },
  innerTypeName: { label: "Inner type, name" },
  innerAckCrc: hex("Inner checksum"),
  innerAckLen: { label: "Inner length", unit: "bytes" },
  innerAckExtra: hex("Inner extra bytes"),
  innerAckAttempt: { label: "Inner attempt" },
  innerAckRand: { label: "Inner random byte" },
  innerPayload: hex("Inner payload"),
  ctrlFlags: hex("Control flags"),
  ctrlZeroHop: { label: "Neighbours only" },
  ctrlLength: { label: "Length", unit: "bytes" },
  ctrlSubtype: { label: "Control kind" },
  ctrlFilter: { label: "Role filter" },
  ctrlTag: { label: "Tag" },
  ctrlSince: { label: "Heard since" },
  ctrlNodeType: { label: "Node type" },
  ctrlSNR: { label: "SNR of the question", unit: "dB", show: (value) => signed(value / 4, 2) },
  ctrlPubKey: hex("Public key"),
  rawLength: { label: "Length", unit: "bytes" },
  firstByteTag: hex("First byte"),
};

const words: Readonly<Record<string, string>> = {
  decrypted: "decrypted",
  no_key: "no key for this channel",
  decryption_failed: "a key has this byte, but does not fit",
  DISCOVER_REQ: "discovery, question",
  DISCOVER_RESP: "discovery, answer",
};

function plainText(value: unknown, show: Known["show"]): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return show ? show(value) : String(value);
  if (typeof value === "string") return words[value] ?? calm(value);
  if (Array.isArray(value)) return value.map((item) => plainText(item, show)).join(", ");
  return calm(JSON.stringify(value) ?? "");
}

function field(key: string, value: unknown): Field {
  const entry = known[key];
  const label = entry?.label ?? calm(key);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return { key, label, value: "", kind: "list", fields: fieldsOf(value as DecodedPayload) };
  }
  const kind = entry?.kind ?? (entry ? "plain" : "radio");
  return {
    key,
    label,
    value: plainText(value, entry?.show),
    kind: kind === "list" ? "plain" : kind,
    ...(entry?.unit !== undefined && { unit: entry.unit }),
  };
}

/** Every field of a payload in the order it came, in words where we have them. Nothing is left out. */
export function fieldsOf(payload: DecodedPayload): Field[] {
  return Object.entries(payload)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => field(key, value));
}
