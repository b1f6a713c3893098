// The shapes of the API. Written by hand until they are made from the OpenAPI document.

/** What a payload says. `type` names its form; the other keys depend on it. */
export interface DecodedPayload {
  type?: string;
  [key: string]: unknown;
}

/** One transmission in the grouped packet list. */
export interface GroupedPacket {
  id: number;
  hash: string;
  first_seen: string | null;
  latest: string | null;
  count: number;
  observation_count: number;
  observer_count: number;
  observer_id: string | null;
  observer_name: string | null;
  observer_iata: string | null;
  distinct_iatas: string[];
  /** JSON text of the best observation's hops. */
  path_json: string | null;
  payload_type: number | null;
  route_type: number | null;
  payload_version: number | null;
  raw_hex: string | null;
  /** JSON text of a {@link DecodedPayload}. */
  decoded_json: string | null;
  snr: number | null;
  rssi: number | null;
  scope_name: string | null;
}

export interface PacketPage {
  packets: GroupedPacket[];
  total: number;
  limit: number;
  offset: number;
}

/** One reception of a transmission. */
export interface Observation {
  id: number;
  transmission_id?: number;
  hash?: string;
  observer_id: string | null;
  observer_name: string | null;
  observer_iata: string | null;
  snr: number | null;
  rssi: number | null;
  score?: number | null;
  path_json: string | null;
  resolved_path?: (string | null)[];
  direction?: string | null;
  raw_hex?: string | null;
  timestamp: string | null;
}

/** One transmission with everything known of it. */
export interface Packet {
  id: number;
  hash: string;
  raw_hex: string | null;
  first_seen: string | null;
  timestamp: string | null;
  route_type: number | null;
  payload_type: number | null;
  payload_version?: number | null;
  decoded_json: string | null;
  observation_count: number;
  observer_id: string | null;
  observer_name: string | null;
  observer_iata: string | null;
  snr: number | null;
  rssi: number | null;
  path_json: string | null;
  resolved_path?: (string | null)[];
  direction?: string | null;
  scope_name?: string | null;
}

export interface PacketAnswer {
  packet: Packet;
  path: string[];
  observation_count: number;
  observations?: Observation[];
}

export interface Stats {
  totalTransmissions: number;
  totalObservations: number;
  totalNodes: number;
  totalObservers: number;
  packetsLastHour: number;
  packetsLast24h: number;
  engine: string;
  version: string;
}

/** The content of a live `packet` frame: one observation with its transmission. */
export interface LivePacket {
  id: number;
  hash: string;
  raw_hex: string | null;
  first_seen: string | null;
  timestamp: string | null;
  route_type: number | null;
  payload_type: number | null;
  payload_version?: number | null;
  decoded_json: string | null;
  observer_id: string | null;
  observer_name: string | null;
  observer_iata?: string | null;
  snr: number | null;
  rssi: number | null;
  path_json: string | null;
  direction: string | null;
  observation_count: number;
  /** Distinct observers, where the server counts them. */
  observer_count?: number;
  scope_name?: string | null;
  observation_id?: number;
  /** When this observation arrived, to the millisecond. */
  observed_at?: string | null;
  decoded?: { payload?: DecodedPayload };
}

export type LiveFrame = { type: "packet"; data: LivePacket } | { type: "lagged"; dropped: number };
