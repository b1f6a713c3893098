import type { DecodedPayload, GroupedPacket, LivePacket } from "../api/types";
import { parsePath } from "./path";
import { parseTime } from "./time";

/** One transmission as the table shows it. Never changed: every update is a new object. */
export interface Row {
  hash: string;
  id: number;
  firstSeen: number | null;
  latest: number | null;
  /** When the row took its place in the list: it does not move with every further reception. */
  since: number;
  /** When the row appeared live, for the short highlight; 0 for rows that were loaded. */
  arrived: number;
  payloadType: number | null;
  routeType: number | null;
  payload: DecodedPayload | null;
  size: number | null;
  scope: string | null;
  observations: number;
  observers: number;
  iatas: readonly string[];
  /** The best observation: the one with the longest path, the first on ties. */
  observer: { id: string | null; name: string | null; iata: string | null };
  path: readonly string[];
  snr: number | null;
  rssi: number | null;
}

/** A known row that is heard again after this long takes a new place at the top. */
const REHEARD = 60_000;

function parsePayload(json: string | null): DecodedPayload | null {
  if (!json) return null;
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as DecodedPayload) : null;
  } catch {
    return null;
  }
}

const sizeOf = (hex: string | null): number | null => (hex ? hex.length >> 1 : null);

export function rowOfGroup(packet: GroupedPacket): Row {
  const firstSeen = parseTime(packet.first_seen);
  const latest = parseTime(packet.latest) ?? firstSeen;
  return {
    hash: packet.hash,
    id: packet.id,
    firstSeen,
    latest,
    since: latest ?? 0,
    arrived: 0,
    payloadType: packet.payload_type,
    routeType: packet.route_type,
    payload: parsePayload(packet.decoded_json),
    size: sizeOf(packet.raw_hex),
    scope: packet.scope_name,
    observations: packet.observation_count,
    observers: packet.observer_count,
    iatas: packet.distinct_iatas,
    observer: { id: packet.observer_id, name: packet.observer_name, iata: packet.observer_iata },
    path: parsePath(packet.path_json),
    snr: packet.snr,
    rssi: packet.rssi,
  };
}

/** The first thing heard of a transmission. */
export function rowOfLive(data: LivePacket, now: number): Row {
  const at = parseTime(data.observed_at) ?? now;
  return {
    hash: data.hash,
    id: data.id,
    firstSeen: parseTime(data.first_seen) ?? at,
    latest: at,
    since: at,
    arrived: now,
    payloadType: data.payload_type,
    routeType: data.route_type,
    payload: data.decoded.payload ?? parsePayload(data.decoded_json),
    size: sizeOf(data.raw_hex),
    scope: data.scope_name,
    observations: Math.max(1, data.observation_count),
    observers: data.observer_count,
    iatas: data.observer_iata ? [data.observer_iata] : [],
    observer: { id: data.observer_id, name: data.observer_name, iata: data.observer_iata },
    path: parsePath(data.path_json),
    snr: data.snr,
    rssi: data.rssi,
  };
}

/** A row after one more reception of the same transmission. */
export function withLive(row: Row, data: LivePacket, now: number): Row {
  const at = parseTime(data.observed_at) ?? now;
  const path = parsePath(data.path_json);
  const iata = data.observer_iata;
  const better = path.length > row.path.length && data.direction !== "tx";
  return {
    ...row,
    latest: Math.max(row.latest ?? at, at),
    since: at - row.since > REHEARD ? at : row.since,
    observations: Math.max(row.observations, data.observation_count),
    observers: Math.max(row.observers, data.observer_count),
    iatas: iata && !row.iatas.includes(iata) ? [...row.iatas, iata].sort() : row.iatas,
    ...(better && {
      path,
      observer: { id: data.observer_id, name: data.observer_name, iata: data.observer_iata },
      snr: data.snr,
      rssi: data.rssi,
    }),
  };
}

/** A row after the server listed it again: its counts are the truth, its place stays. */
export function withGroup(row: Row, packet: GroupedPacket): Row {
  const fresh = rowOfGroup(packet);
  if (fresh.observations < row.observations) return row;
  const heardAgain = fresh.since - row.since > REHEARD;
  return { ...fresh, since: heardAgain ? fresh.since : row.since, arrived: row.arrived };
}
