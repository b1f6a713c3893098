// The shapes of the API, by the names the page uses. They come from the OpenAPI document: `make openapi` renews them.

import type { components } from "./schema";

type Schemas = components["schemas"];

/** One transmission in the grouped packet list. */
export type GroupedPacket = Schemas["GroupedPacket"];
export type PacketPage = Schemas["GroupedPacketList"];
/** One reception of a transmission. */
export type Observation = Schemas["Observation"];
/** One transmission with everything known of it. */
export type Packet = Schemas["Packet"];
export type PacketAnswer = Schemas["PacketDetail"];
export type Stats = Schemas["Stats"];
export type Health = Schemas["Health"];
/** Whether messages arrive and are stored, and what is wrong. */
export type Ingest = Schemas["IngestHealth"];
/** The content of a live `packet` frame: one observation with its transmission. */
export type LivePacket = Schemas["LivePacket"];
export type LiveFrame = Schemas["LiveFrame"];

/** What a payload says, out of the text `decoded_json`. `type` names its form; the other keys depend on it. */
export interface DecodedPayload {
  type?: string;
  [key: string]: unknown;
}
