export type Family = "identity" | "channel" | "direct" | "request" | "routing" | "neutral";

export interface PayloadType {
  id: number;
  /** As the API and old links write it. */
  name: string;
  /** Two or three letters, on every badge. */
  code: string;
  family: Family;
  short: string;
  long: string;
}

/** The one table of payload types, in the order of legends. */
export const payloadTypes: readonly PayloadType[] = [
  { id: 4, name: "ADVERT", code: "ADV", family: "identity", short: "Advert", long: "A node says who and where it is" },
  { id: 5, name: "GRP_TXT", code: "CH", family: "channel", short: "Channel text", long: "Text to everybody on a channel" },
  { id: 2, name: "TXT_MSG", code: "DM", family: "direct", short: "Direct text", long: "Encrypted text from one person to another" },
  { id: 0, name: "REQ", code: "REQ", family: "request", short: "Request", long: "Encrypted question to a node" },
  { id: 1, name: "RESPONSE", code: "RSP", family: "request", short: "Response", long: "Encrypted answer of a node" },
  { id: 9, name: "TRACE", code: "TRC", family: "routing", short: "Trace", long: "Walks a given route and notes the signal at every hop" },
  { id: 8, name: "PATH", code: "PTH", family: "routing", short: "Path", long: "Tells the sender which way its packet came" },
  { id: 7, name: "ANON_REQ", code: "ANR", family: "request", short: "Open request", long: "Encrypted request that carries the sender's full key" },
  { id: 6, name: "GRP_DATA", code: "CHD", family: "channel", short: "Channel data", long: "Data to everybody on a channel" },
  { id: 10, name: "MULTIPART", code: "MP", family: "neutral", short: "Multipart", long: "One part of something longer" },
  { id: 11, name: "CONTROL", code: "CTL", family: "routing", short: "Control", long: "Discovery and other talk between neighbours" },
  { id: 15, name: "RAW_CUSTOM", code: "RAW", family: "neutral", short: "Raw", long: "Bytes that only an application understands" },
  { id: 3, name: "ACK", code: "ACK", family: "neutral", short: "Receipt", long: "Says that a message arrived" },
];

const byId = new Map(payloadTypes.map((type) => [type.id, type]));
const byName = new Map(payloadTypes.map((type) => [type.name, type]));

/** The entry of a type number; a number nobody defined gets one of its own. */
export function payloadType(id: number | null): PayloadType {
  const known = id === null ? undefined : byId.get(id);
  if (known) return known;
  const name = id === null ? "UNKNOWN" : `UNK(${id})`;
  return { id: id ?? -1, name, code: "?", family: "neutral", short: "Unknown", long: "A payload type nobody has defined" };
}

/** Type numbers of an address parameter: names or numbers, in any case; what is neither is left out. */
export function parseTypes(text: string | null): Set<number> {
  const ids = new Set<number>();
  for (const item of (text ?? "").split(",")) {
    const word = item.trim().toUpperCase();
    const type = byName.get(word) ?? (/^\d+$/.test(word) ? byId.get(Number(word)) : undefined);
    if (type) ids.add(type.id);
  }
  return ids;
}

/** The address parameter of some types, in legend order; empty for none. */
export function typesText(ids: ReadonlySet<number>): string {
  return payloadTypes.filter((type) => ids.has(type.id)).map((type) => type.name).join(",");
}

const routes = ["Flood, transported", "Flood", "Direct", "Direct, transported"] as const;

/** A route in words, by its number. */
export function routeName(id: number | null): string {
  return (id === null ? undefined : routes[id]) ?? "Unknown";
}

/** Routes 0 and 3 carry transport codes. */
export function isTransport(id: number | null): boolean {
  return id === 0 || id === 3;
}
