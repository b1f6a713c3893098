// An advert of a node of our own, signed as the firmware does.

import { generateKeyPairSync, sign } from "node:crypto";

const HEADER_FLOOD_ADVERT = 0x11;
const REPEATER_WITH_NAME = 0x82;
/** Longest name that fits behind the flags, bytes. */
const NAME_MAX = 31;

/** A frame in hex: a repeater of this name announces itself, heard without a hop. */
export function advert(name: string): string {
  const appData = Buffer.concat([Buffer.from([REPEATER_WITH_NAME]), Buffer.from(name).subarray(0, NAME_MAX)]);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const timestamp = Buffer.alloc(4);
  timestamp.writeUInt32LE(1_777_636_800);
  const signature = sign(null, Buffer.concat([key, timestamp, appData]), privateKey);
  return Buffer.concat([Buffer.from([HEADER_FLOOD_ADVERT, 0]), key, timestamp, signature, appData]).toString("hex");
}
