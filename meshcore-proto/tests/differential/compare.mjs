// Decodes frames with this crate and with another decoder, and explains every difference.
//
//   node compare.mjs [FILE...]     ends with 1 when a difference has no explanation
//
// See README.md beside this file.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { MeshCoreKeyStore, MeshCorePacketDecoder } from "@michaelhart/meshcore-decoder";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const CAPTURED = join(root, "../shared/data/real-packets.jsonl");
const NAMES = join(root, "meshcore-ingest/assets/hashtag-names.txt");
const OWN = ["decode_synthetic", "group_encrypt", "malformed"].map((name) => join(here, `../vectors/${name}.json`));

const PUBLIC = "8b3387e9c5cdea6ac9e5edbaa115cd72";
const names = readFileSync(NAMES, "utf8").split("\n").filter((name) => name.startsWith("#"));
/** Channel names and secrets in hex; those of vectors join later. */
const channels = new Map(names.map((name) => [name, sha256(Buffer.from(name)).subarray(0, 16).toString("hex")]));
channels.set("Public", PUBLIC);

/**
 * Where the two may differ, and how the other one does it. This crate does as the firmware does.
 *
 * Each says which fields it is about, and when: `ours` and `theirs` are the two values, `frame` our whole answer.
 *
 * @type {{ topic: string, fields: RegExp, when: (ours: any, theirs: any, frame: any) => boolean }[]}
 */
const RULES = [
  rule("path longer than 64 bytes: accepted there", /^accepted$/, (ours, theirs) => kind(ours) === "PathTooLong" && theirs),
  rule("payload longer than 184 bytes: accepted there", /^accepted$/, (ours, theirs) => kind(ours) === "PayloadTooLong" && theirs),
  rule("peer datagram of 4 bytes: valid there", /^payload/, (_, __, frame) => isPeer(frame) && length(frame) === 4),
  rule("ANON_REQ of 35 bytes: valid there", /^payload/, (_, __, frame) => type(frame) === "ANON_REQ" && length(frame) === 35),
  rule("channel message of 3 bytes: valid there", /^payload/, (_, __, frame) => type(frame) === "GRP_TXT" && length(frame) === 3),
  rule("advert of 100 bytes, without data: refused there", /^payload/, (_, __, frame) => type(frame) === "ADVERT" && length(frame) === 100),
  rule("PATH is encrypted: read as plaintext there", /^payload/, (_, __, frame) => type(frame) === "PATH"),
  rule("GRP_DATA, MULTIPART, RAW_CUSTOM: not decoded there", /^payload_valid$/, (_, theirs, frame) =>
    theirs === null && ["GRP_DATA", "MULTIPART", "RAW_CUSTOM"].includes(type(frame))),
  rule("advert data beyond 32 bytes: used there", /^advert\.(name|signature_valid)$/, (_, __, frame) => frame.payload.trailing !== ""),
  rule("flags promise missing fields: read as far as it goes there", /^advert\./, (ours, _, frame) =>
    ours === null && frame.payload.app_data_error === "AppDataTruncated"),
  rule("node types 0 and 5 to 15: chat there", /^advert\.node_type$/, (ours, theirs) => (ours === 0 || ours > 4) && theirs === 1),
  rule("advert name: trimmed and without control characters there", /^advert\.name$/, (ours, theirs) =>
    ours !== null && (cleaned(ours) || ours) === theirs),
  rule("advert name of no bytes: absent there", /^advert\.name$/, (ours, theirs) => ours === "" && theirs === null),
  rule("numbers from 2^31 on: negative there", /(timestamp|auth_code)$/, (ours, theirs) => ours >= 2 ** 31 && (ours | 0) === theirs),
  rule("signature over such a timestamp: refused there", /^advert\.signature_valid$/, (ours, theirs, frame) =>
    ours && !theirs && frame.payload.timestamp >= 2 ** 31),
  rule("signature with a large s: accepted there", /^advert\.signature_valid$/, (ours, theirs, frame) =>
    !ours && theirs && !isCanonical(frame.payload.signature)),
  rule("TRACE with surplus bytes: invalid there", /^payload_valid$/, (ours, theirs, frame) =>
    ours && !theirs && type(frame) === "TRACE" && frame.payload.remainder !== ""),
  rule("TRACE with size bits in the path length: hops there", /^(payload|trace)/, (_, __, frame) =>
    frame.payload_error === "InvalidTracePath"),
  rule("DISCOVER_RESP key: all that remains there", /^control\.public_key$/, (ours, theirs) => theirs.startsWith(ours)),
  rule("CONTROL of an unknown sub-type: invalid there", /^payload_valid$/, (ours, theirs, frame) =>
    ours && !theirs && frame.payload.control === "OTHER"),
  rule("channel text of another type: accepted there", /^text\./, (ours, _, frame) =>
    ours === null && frame.decrypted !== null && frame.decrypted.text === null),
];

const TYPES = { 0: "peer", 1: "peer", 2: "peer", 3: "ack", 4: "advert", 5: "group", 7: "anon", 9: "trace", 11: "control" };

const frames = read(process.argv.slice(2));
if (frames.length === 0) {
  console.log("skipped: no frames");
  process.exit(0);
}
const ours = decodeOurs(frames);
const counts = { frames: frames.length, alike: 0, fields: 0, unexplained: 0 };
const explained = new Map(RULES.map(({ topic }) => [topic, 0]));
const keyStore = new MeshCoreKeyStore({ channelSecrets: [...channels.values()] });
for (const [index, raw] of frames.entries()) {
  const frame = ours[index];
  const packet = MeshCorePacketDecoder.decode(raw, { keyStore });
  if (packet.payloadType === 4 && packet.payload.decoded?.isValid) {
    // by itself: with verification, a bad signature makes the whole frame invalid there
    const verified = await MeshCorePacketDecoder.decodeWithVerification(raw, { keyStore });
    packet.payload.decoded.signatureValid = verified.payload.decoded.signatureValid;
  }
  const theirs = flatTheirs(packet, frame);
  const mine = flatOurs(frame);
  let alike = true;
  for (const [field, value] of Object.entries(theirs)) {
    counts.fields += 1;
    if (JSON.stringify(mine[field]) === JSON.stringify(value)) continue;
    if (field === "accepted" && value === !frame.error) continue;
    alike = false;
    const why = RULES.find(({ fields, when }) => fields.test(field) && when(mine[field], value, frame));
    if (why) {
      explained.set(why.topic, explained.get(why.topic) + 1);
    } else {
      counts.unexplained += 1;
      console.log(`${raw}\n  ${field}: ours ${JSON.stringify(mine[field])}, theirs ${JSON.stringify(value)}: UNEXPLAINED`);
    }
  }
  if (alike) counts.alike += 1;
}
console.log(`${counts.frames} frames, ${counts.alike} alike in every field; ${counts.fields} fields compared`);
for (const [topic, count] of explained) if (count > 0) console.log(`  ${count} x ${topic}`);
console.log(`${counts.unexplained} unexplained`);
process.exit(counts.unexplained === 0 ? 0 : 1);

/** What our answer says, as flat fields; what it does not say is null. */
function flatOurs(frame) {
  if (frame.error) return { accepted: frame };
  const { payload, decrypted } = frame;
  const data = payload?.app_data;
  const text = decrypted?.text;
  return {
    accepted: true,
    route: frame.header.route_type,
    payload_type: frame.header.payload_type,
    version: frame.header.version,
    transport_codes: frame.transport_codes,
    hash_size: frame.path.hash_size,
    hash_count: frame.path.hash_count,
    path: frame.path.hex,
    payload_hex: frame.payload_hex,
    total_len: frame.total_len,
    payload_valid: frame.payload_error === null,
    ...under("payload", payload, ["dest_hash", "src_hash", "mac", "ciphertext", "sender_public_key", "channel_hash"]),
    "ack.checksum": payload?.checksum_hex ?? null,
    ...under("advert", payload, ["public_key", "timestamp", "signature", "signature_valid"]),
    "advert.flags": data?.flags ?? null,
    "advert.node_type": data?.node_type ?? null,
    "advert.lat_e6": data?.lat_e6 ?? null,
    "advert.lon_e6": data?.lon_e6 ?? null,
    // not UTF-8: with replacement characters, as there
    "advert.name": data?.name ?? (data?.name_hex ? new TextDecoder().decode(Buffer.from(data.name_hex, "hex")) : null),
    ...under("trace", payload, ["tag", "auth_code", "flags", "entry_size", "route", "snr_q4"]),
    ...under("control", payload, ["flags", "prefix_only", "type_filter", "node_type", "snr_q4", "tag", "public_key"]),
    "control.since": payload?.since ?? 0,
    "text.opened": decrypted !== null,
    ...under("text", text, ["timestamp", "attempt", "sender", "message"]),
  };
}

/** The other decoder's answer in the same form: only what it gives, and only where both got that far. */
function flatTheirs(packet, frame) {
  if (!packet.isValid || frame.error) return { accepted: packet.isValid };
  const decoded = packet.payload.decoded;
  // reserved types are opaque for both
  const isReserved = [12, 13, 14].includes(packet.payloadType);
  const fields = {
    accepted: true,
    route: packet.routeType,
    payload_type: packet.payloadType,
    version: packet.payloadVersion,
    transport_codes: packet.transportCodes ?? null,
    hash_size: packet.pathHashSize,
    hash_count: packet.pathLength,
    path: (packet.path ?? []).join("").toLowerCase(),
    payload_hex: packet.payload.raw.toLowerCase(),
    total_len: packet.totalBytes,
    payload_valid: isReserved ? true : (decoded?.isValid ?? null),
  };
  if (!decoded?.isValid || frame.payload_error !== null) return fields;
  switch (TYPES[packet.payloadType]) {
    case "peer":
      return { ...fields, ...sealed(decoded), "payload.src_hash": lower(decoded.sourceHash) };
    case "anon":
      return { ...fields, ...sealed(decoded), "payload.sender_public_key": lower(decoded.senderPublicKey) };
    case "ack":
      return { ...fields, "ack.checksum": lower(decoded.checksum) };
    case "advert":
      return { ...fields, ...theirAdvert(decoded) };
    case "group":
      return { ...fields, ...theirText(decoded) };
    case "trace":
      return {
        ...fields,
        "trace.tag": Number.parseInt(decoded.traceTag, 16),
        "trace.auth_code": decoded.authCode,
        "trace.flags": decoded.flags,
        "trace.entry_size": decoded.pathHashSize,
        "trace.route": decoded.pathHashes.map(lower),
        "trace.snr_q4": (decoded.snrValues ?? []).map((snr) => snr * 4),
      };
    case "control":
      return { ...fields, ...theirControl(decoded) };
    default:
      return fields;
  }
}

function sealed(decoded) {
  return {
    "payload.dest_hash": lower(decoded.destinationHash),
    "payload.mac": lower(decoded.cipherMac),
    "payload.ciphertext": lower(decoded.ciphertext),
  };
}

function theirAdvert(decoded) {
  const { appData } = decoded;
  const e6 = (degrees) => (degrees === undefined ? null : Math.round(degrees * 1e6));
  return {
    "advert.public_key": lower(decoded.publicKey),
    "advert.timestamp": decoded.timestamp,
    "advert.signature": lower(decoded.signature),
    "advert.signature_valid": decoded.signatureValid,
    "advert.flags": appData.flags,
    "advert.node_type": appData.deviceRole,
    "advert.lat_e6": e6(appData.location?.latitude),
    "advert.lon_e6": e6(appData.location?.longitude),
    "advert.name": appData.name ?? null,
  };
}

function theirText(decoded) {
  const fields = {
    "payload.channel_hash": lower(decoded.channelHash),
    "payload.mac": lower(decoded.cipherMac),
    "payload.ciphertext": lower(decoded.ciphertext),
    "text.opened": decoded.decrypted !== undefined,
  };
  if (!decoded.decrypted) return fields;
  const { timestamp, flags, sender, message } = decoded.decrypted;
  return {
    ...fields,
    "text.timestamp": timestamp,
    "text.attempt": flags & 3,
    "text.sender": sender ?? null,
    "text.message": message,
  };
}

function theirControl(decoded) {
  const fields = { "control.flags": decoded.rawFlags, "control.tag": decoded.tag };
  return decoded.subType === 0x80
    ? {
        ...fields,
        "control.prefix_only": decoded.prefixOnly,
        "control.type_filter": decoded.typeFilter,
        "control.since": decoded.since,
      }
    : {
        ...fields,
        "control.node_type": decoded.nodeType,
        "control.snr_q4": decoded.snr * 4,
        "control.public_key": lower(decoded.publicKey),
      };
}

/** Our decoder's answer per frame. `DECODE` names the program, if it is built already. */
function decodeOurs(frames) {
  const args = [...channels].flatMap(([name, secret]) => ["--channel", `${name}=${secret}`]);
  const cargo = ["run", "-q", "--locked", "-p", "meshcore-proto", "--example", "decode", "--all-features", "--"];
  const [program, first] = process.env.DECODE ? [process.env.DECODE, []] : ["cargo", cargo];
  const options = { cwd: root, input: frames.join("\n"), encoding: "utf8", maxBuffer: 2 ** 30 };
  const { stdout, stderr, error } = spawnSync(program, [...first, "--json", ...args], options);
  const answers = (stdout ?? "").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  if (answers.length !== frames.length) {
    console.error(error ?? stderr);
    throw new Error(`${answers.length} answers to ${frames.length} frames`);
  }
  return answers;
}

/** The frames of some files in hex, each once. */
function read(files) {
  if (files.length === 0) {
    files = [...OWN, CAPTURED].filter((file) => {
      if (!existsSync(file)) console.log("skipped: no captured frames next to the workspace");
      return existsSync(file);
    });
  }
  return [...new Set(files.flatMap((file) => readFileSync(file, "utf8").split("\n").map(frameOf)))].filter(Boolean);
}

/** The frame of a line: hex, an object with `raw` or `raw_hex`, or a test vector, whose channel becomes known too. */
function frameOf(line) {
  const text = line.trim().replace(/,$/, "");
  if (/^([0-9a-f]{2})+$/i.test(text)) return text.toLowerCase();
  if (!text.startsWith("{") || !text.endsWith("}")) return null;
  let object;
  try {
    object = JSON.parse(text);
  } catch {
    return null; // the first line of a file of vectors
  }
  const secret = object.input?.secret;
  if (secret?.length === 32) channels.set(`vector ${secret}`, secret);
  const raw = object.raw ?? object.raw_hex ?? object.expect?.raw_hex;
  return typeof raw === "string" && /^([0-9a-f]{2})+$/i.test(raw) ? raw.toLowerCase() : null;
}

function rule(topic, fields, when) {
  return { topic, fields, when };
}

function under(prefix, object, keys) {
  return Object.fromEntries(keys.map((key) => [`${prefix}.${key}`, object?.[key] ?? null]));
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest();
}

function lower(text) {
  return text.toLowerCase();
}

function kind(answer) {
  return answer?.error?.kind;
}

function type(frame) {
  return frame.header?.payload_name;
}

function length(frame) {
  return frame.payload_hex.length / 2;
}

function isPeer(frame) {
  return ["REQ", "RESPONSE", "TXT_MSG"].includes(type(frame));
}

function cleaned(name) {
  return name.trim().replace(/[\x00-\x1f\x7f]/g, "");
}

/** Whether the second half of a signature is below the order of the curve's group. */
function isCanonical(signature) {
  const s = BigInt(`0x${Buffer.from(signature.slice(64), "hex").reverse().toString("hex")}`);
  return s < 2n ** 252n + 27742317777372353535851937790883648493n;
}
