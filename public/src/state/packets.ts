import { effect, signal, untracked } from "@preact/signals";
import { ApiError, getPackets } from "../api/client";
import type { GroupedPacket, LivePacket } from "../api/types";
import { rowOfGroup, rowOfLive, withGroup, withLive, type Row } from "../lib/row";
import { insertRows } from "../lib/rows";
import { serverNow } from "./clock";
import { listen, sessions } from "./connection";

const PAGE = 200;
/** Enough for the moment between the first list and the first frame. */
const CATCH_UP = 50;
/** Pages read to close a gap; a longer one starts the list anew. */
const MAX_GAP_PAGES = 6;
/** Frames kept while the feed is paused or nobody looks; beyond it the list is asked for again. */
const BUFFER = 2000;
/** Rows kept; the oldest go first and can be loaded again. */
const MAX_ROWS = 20_000;
const LOADING_RETRY = 2000;
const FAILED_RETRY = 15_000;

export interface Feed {
  /** What is shown, newest first. */
  rows: readonly Row[];
  /** New rows that wait above, because the reader is further down. */
  waiting: readonly Row[];
  /** Stored transmissions, as the server said last. */
  total: number | null;
  phase: "loading" | "server-loading" | "ready" | "failed";
  error: string | null;
  /** Since when the shown rows could not be refreshed. */
  staleSince: number | null;
  older: "idle" | "loading" | "failed" | "end";
}

const empty: Feed = {
  rows: [],
  waiting: [],
  total: null,
  phase: "loading",
  error: null,
  staleSince: null,
  older: "idle",
};

export const feed = signal<Feed>(empty);

export interface Pause {
  on: boolean;
  /** Receptions that wait for the feed to go on. */
  held: number;
  /** More arrived than are kept; the list is asked for again afterwards. */
  isFull: boolean;
}

export const pause = signal<Pause>({ on: false, held: 0, isFull: false });

/** Every row of the feed, shown or waiting, by hash. */
let index = new Map<string, Row>();
/** True while the reader is at the top and new rows may move what is shown. */
let follows = true;
let queue: LivePacket[] = [];
let held: LivePacket[] = [];
let missed = false;
let frameRequest = 0;
let leaving = new AbortController();
let retry: ReturnType<typeof setTimeout> | undefined;
let refreshing = false;
/** Size of the first page of a refresh that waits for the running one; 0 for none. */
let again = 0;

/** Shows changed rows: known ones where they are, new ones at the top or behind the pill. */
function apply(changed: ReadonlyMap<string, Row>, part: Partial<Feed> = {}): void {
  const before = feed.value;
  const next: Feed = { ...before, ...part };
  const shown = new Map<string, Row>();
  const waits = new Map<string, Row>();
  if (follows) {
    for (const row of before.waiting) shown.set(row.hash, row);
    for (const row of changed.values()) shown.set(row.hash, row);
  } else {
    const waiting = new Set(before.waiting.map((row) => row.hash));
    const oldest = before.rows.at(-1)?.since ?? Infinity;
    for (const row of changed.values()) {
      const old = index.get(row.hash);
      if (old && !waiting.has(row.hash)) shown.set(row.hash, { ...row, since: old.since });
      else if (!old && row.since < oldest) shown.set(row.hash, row);
      else waits.set(row.hash, row);
    }
  }
  for (const row of [...shown.values(), ...waits.values()]) index.set(row.hash, row);
  next.rows = insertRows(before.rows, shown);
  next.waiting = follows ? [] : insertRows(before.waiting, waits);
  if (follows && next.rows.length > MAX_ROWS) {
    for (const row of next.rows.slice(MAX_ROWS)) index.delete(row.hash);
    next.rows = next.rows.slice(0, MAX_ROWS);
    if (next.older === "end") next.older = "idle";
  }
  feed.value = next;
}

function mergeFrames(frames: readonly LivePacket[]): void {
  const changed = new Map<string, Row>();
  const now = serverNow();
  let created = 0;
  for (const data of frames) {
    const row = changed.get(data.hash) ?? index.get(data.hash);
    if (!row) created++;
    changed.set(data.hash, row ? withLive(row, data, now) : rowOfLive(data, now));
  }
  const { total } = feed.value;
  apply(changed, { total: total === null ? null : total + created });
}

function mergeGroups(packets: readonly GroupedPacket[], part: Partial<Feed>): void {
  const changed = new Map<string, Row>();
  for (const packet of packets) {
    const row = index.get(packet.hash);
    changed.set(packet.hash, row ? withGroup(row, packet) : rowOfGroup(packet));
  }
  apply(changed, part);
}

function flush(): void {
  frameRequest = 0;
  if (missed) {
    missed = false;
    void refresh();
  }
  // Before the first page is there, frames wait for it.
  if (feed.value.phase !== "ready" || queue.length === 0) return;
  const frames = queue;
  queue = [];
  mergeFrames(frames);
}

function take(data: LivePacket): void {
  if (pause.value.on) {
    if (held.length < BUFFER) held.push(data);
    pause.value = { on: true, held: held.length, isFull: pause.value.isFull || held.length === BUFFER };
    return;
  }
  if (queue.length >= BUFFER) {
    queue = [];
    missed = true;
  }
  queue.push(data);
  // A hidden tab gets no animation frame: nothing is drawn there.
  frameRequest ||= requestAnimationFrame(flush);
}

export function setPaused(on: boolean): void {
  const lost = pause.value.isFull;
  const frames = held;
  held = [];
  pause.value = { on, held: 0, isFull: false };
  if (on) return;
  if (frames.length > 0) mergeFrames(frames);
  if (lost) void refresh();
}

/** The table says whether new rows may appear at once. */
export function setFollows(next: boolean): void {
  follows = next;
  if (next && feed.value.waiting.length > 0) apply(new Map());
}

interface Newest {
  packets: GroupedPacket[];
  total: number;
  /** They reach down to a row that is known, or to the last one. */
  meets: boolean;
}

/** Reads the newest packets until they meet what is known. */
async function readNewest(first: number, signal: AbortSignal): Promise<Newest> {
  const packets: GroupedPacket[] = [];
  const isFirst = index.size === 0;
  for (let page = 0; ; page++) {
    const limit = page === 0 && !isFirst ? first : PAGE;
    const answer = await getPackets({ limit, offset: packets.length }, signal);
    packets.push(...answer.packets);
    const isEnd = answer.packets.length === 0 || packets.length >= answer.total;
    const meets = isEnd || answer.packets.some((packet) => index.has(packet.hash));
    if (isFirst || meets || page + 1 >= MAX_GAP_PAGES) return { packets, total: answer.total, meets };
  }
}

/** Brings the list up to date without a gap: what was missed is read, however long that was. */
export async function refresh(first = PAGE): Promise<void> {
  const { signal } = leaving;
  clearTimeout(retry);
  if (pause.value.on) {
    pause.value = { ...pause.value, isFull: true };
    return;
  }
  if (refreshing) {
    again = Math.max(again, first);
    return;
  }
  refreshing = true;
  if (feed.value.phase === "failed") feed.value = { ...feed.value, phase: "loading" };
  try {
    const { packets, total, meets } = await readNewest(first, signal);
    let { older } = feed.value;
    if (!meets) {
      index = new Map();
      feed.value = { ...feed.value, rows: [], waiting: [] };
      older = "idle";
    }
    if (packets.length >= total) older = "end";
    mergeGroups(packets, { phase: "ready", error: null, staleSince: null, total, older });
    flush();
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    if (signal === leaving.signal) {
      refreshing = false;
      const next = again;
      again = 0;
      if (next > 0) void refresh(next);
    }
  }
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : "Something went wrong.";
  const before = feed.value;
  const isEmpty = before.rows.length === 0;
  if (error instanceof ApiError && error.isLoading) {
    if (isEmpty) feed.value = { ...before, phase: "server-loading", error: message };
    retry = setTimeout(() => void refresh(), error.retryAfter ?? LOADING_RETRY);
    return;
  }
  if (isEmpty) feed.value = { ...before, phase: "failed", error: message };
  else feed.value = { ...before, error: message, staleSince: before.staleSince ?? serverNow() };
  retry = setTimeout(() => void refresh(), FAILED_RETRY);
}

/** Reads the next older page. */
export async function loadOlder(): Promise<void> {
  const { signal } = leaving;
  if (feed.value.older === "loading" || feed.value.older === "end") return;
  feed.value = { ...feed.value, older: "loading" };
  try {
    for (let offset = index.size; ; ) {
      const answer = await getPackets({ limit: PAGE, offset }, signal);
      offset += answer.packets.length;
      const isEnd = answer.packets.length === 0 || offset >= answer.total;
      const isNew = answer.packets.some((packet) => !index.has(packet.hash));
      if (!isNew && !isEnd) continue;
      mergeGroups(answer.packets, { total: answer.total, older: isEnd ? "end" : "idle" });
      return;
    }
  } catch {
    if (!signal.aborted) feed.value = { ...feed.value, older: "failed" };
  }
}

/** Runs the feed while a page shows it. The result stops it; the rows stay for the way back. */
export function startFeed(): () => void {
  leaving = new AbortController();
  refreshing = false;
  again = 0;
  if (feed.value.older === "loading") feed.value = { ...feed.value, older: "idle" };
  const unlisten = listen((frame) => {
    if (frame.type === "packet") take(frame.data);
    else void refresh();
  });
  // Now, and whenever the live feed comes up: between the two nothing was heard.
  const stop = effect(() => {
    const isFirst = sessions.value === 1;
    untracked(() => void refresh(isFirst ? CATCH_UP : PAGE));
  });
  return () => {
    unlisten();
    stop();
    leaving.abort();
    clearTimeout(retry);
    cancelAnimationFrame(frameRequest);
    frameRequest = 0;
    queue = [];
  };
}
