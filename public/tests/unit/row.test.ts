import { expect, test } from "vitest";
import type { GroupedPacket, LivePacket } from "../../src/api/types";
import { rowOfGroup, rowOfLive, withGroup, withLive } from "../../src/lib/row";
import { insertRows } from "../../src/lib/rows";

const T = Date.UTC(2026, 2, 18, 9);
const iso = (ms: number): string => new Date(T + ms).toISOString();

function live(part: Partial<LivePacket["packet"]> = {}): LivePacket {
  const packet: LivePacket["packet"] = {
    id: 1,
    hash: "aa",
    raw_hex: "110041",
    first_seen: iso(0),
    timestamp: iso(0),
    route_type: 1,
    payload_type: 4,
    payload_version: 0,
    decoded_json: '{"type":"ADVERT","name":"A"}',
    observer_id: "O1",
    observer_name: "one",
    observer_iata: "SJC",
    snr: 5,
    rssi: -90,
    path_json: '["A1"]',
    direction: "rx",
    observation_count: 1,
    observer_count: 1,
    scope_name: null,
    observation_id: 1,
    observed_at: iso(0),
    ...part,
  };
  return { ...packet, packet, decoded: { header: null, payload: null, path: null } };
}

function group(part: Partial<GroupedPacket> = {}): GroupedPacket {
  return {
    id: 1,
    hash: "aa",
    first_seen: iso(0),
    latest: iso(0),
    count: 1,
    observation_count: 1,
    observer_count: 1,
    observer_id: "O1",
    observer_name: "one",
    observer_iata: "SJC",
    distinct_iatas: ["SJC"],
    path_json: '["A1"]',
    payload_type: 4,
    route_type: 1,
    payload_version: 0,
    raw_hex: "110041",
    decoded_json: "{}",
    snr: 5,
    rssi: -90,
    scope_name: null,
    ...part,
  };
}

test("the first frame makes the row", () => {
  const row = rowOfLive(live(), T + 5);
  expect(row).toMatchObject({ hash: "aa", size: 3, observations: 1, observers: 1, path: ["A1"], snr: 5, since: T, arrived: T + 5 });
  expect(row.payload).toEqual({ type: "ADVERT", name: "A" });
});

test("another observer counts, the same one does not", () => {
  const row = rowOfLive(live(), T);
  const second = withLive(row, live({ observer_id: "O2", observer_iata: "OAK", observation_count: 2, observer_count: 2, observed_at: iso(700) }), T);
  expect(second).toMatchObject({ observations: 2, observers: 2, iatas: ["OAK", "SJC"], latest: T + 700, since: T });
  const third = withLive(second, live({ observer_id: "O2", observation_count: 3, observer_count: 2 }), T);
  expect(third).toMatchObject({ observations: 3, observers: 2 });
});

test("the longest path lends observer and signal", () => {
  const row = withLive(rowOfLive(live(), T), live({ observer_id: "O2", observer_name: "two", path_json: '["A1","B2"]', snr: -3, rssi: -110, observation_count: 2 }), T);
  expect(row).toMatchObject({ path: ["A1", "B2"], snr: -3, rssi: -110, observer: { id: "O2", name: "two" } });
});

test("the first of equal paths stays, and what was sent never wins", () => {
  const row = rowOfLive(live(), T);
  expect(withLive(row, live({ observer_id: "O2", path_json: '["FF"]', snr: 12, observation_count: 2 }), T)).toMatchObject({ path: ["A1"], snr: 5 });
  expect(withLive(row, live({ observer_id: "O2", direction: "tx", path_json: '["A1","B2"]', observation_count: 2 }), T).path).toEqual(["A1"]);
});

test("the server's own count of observers is taken, and an older count is not", () => {
  const row = withLive(rowOfLive(live(), T), live({ observer_id: "O2", observation_count: 4, observer_count: 4 }), T);
  expect(row.observers).toBe(4);
  expect(withLive(row, live({ observation_count: 2, observer_count: 2 }), T).observers).toBe(4);
});

test("a row keeps its place until it is heard again after a minute", () => {
  const row = rowOfLive(live(), T);
  expect(withLive(row, live({ observed_at: iso(59_000), observation_count: 2 }), T).since).toBe(T);
  expect(withLive(row, live({ observed_at: iso(61_000), observation_count: 2 }), T).since).toBe(T + 61_000);
});

test("a listed row brings the truth, an older list does not", () => {
  const row = withLive(rowOfLive(live(), T), live({ observer_id: "O2", observation_count: 2 }), T);
  expect(withGroup(row, group({ observation_count: 5, observer_count: 4 }))).toMatchObject({ observations: 5, observers: 4, since: T });
  expect(withGroup(row, group())).toBe(row);
});

test("damaged fields do not break a row", () => {
  const row = rowOfGroup(group({ first_seen: null, latest: "never", raw_hex: null, decoded_json: "[", path_json: "{", observer_id: null }));
  expect(row).toMatchObject({ firstSeen: null, latest: null, size: null, payload: null, path: [] });
});

test("rows are merged newest first, without doubles", () => {
  const at = (hash: string, ms: number) => ({ ...rowOfLive(live({ hash }), T), since: T + ms });
  const rows = [at("c", 30), at("b", 20), at("a", 10)];
  const merged = insertRows(rows, new Map([["d", at("d", 25)], ["b", { ...at("b", 20), snr: 9 }], ["a", at("a", 40)]]));
  expect(merged.map((row) => row.hash)).toEqual(["a", "c", "d", "b"]);
  expect(merged.at(-1)?.snr).toBe(9);
  expect(insertRows(rows, new Map())).toBe(rows);
});

test("5000 frames are merged quickly", () => {
  let rows: readonly ReturnType<typeof rowOfLive>[] = [];
  const start = performance.now();
  for (let batch = 0; batch < 50; batch++) {
    const changed = new Map(Array.from({ length: 100 }, (_, i) => {
      const hash = `${batch}-${i}`;
      return [hash, rowOfLive(live({ hash, observed_at: iso(batch * 100 + i) }), T)] as const;
    }));
    rows = insertRows(rows, changed);
  }
  expect(rows).toHaveLength(5000);
  expect(performance.now() - start).toBeLessThan(500);
});
