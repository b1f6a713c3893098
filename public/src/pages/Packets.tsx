import { useEffect, useMemo, useState } from "preact/hooks";
import { Icon } from "../components/Icon";
import { Legend } from "../components/Legend";
import { Message } from "../components/Message";
import { Modal } from "../components/Modal";
import { PacketTable } from "../components/PacketTable";
import { PauseButton } from "../components/PauseButton";
import { Resizer } from "../components/Resizer";
import { SkeletonRows } from "../components/SkeletonRows";
import { TopStrip } from "../components/TopStrip";
import { TypeChips } from "../components/TypeChips";
import { useLate } from "../hooks/useLate";
import { useMedia } from "../hooks/useMedia";
import { count, plural, short } from "../lib/format";
import { parseTypes, typesText } from "../lib/payload";
import { age } from "../lib/time";
import type { PageProps } from "../pages";
import { now } from "../state/clock";
import { connection } from "../state/connection";
import { address, addressText, navigate } from "../state/location";
import { feed, loadOlder, pause, refresh, setFollows, setPaused, startFeed, type Feed } from "../state/packets";
import { change, settings } from "../state/settings";
import { Packet } from "./Packet";

const DOCK_MIN = 360;
const DOCK_MAX = 720;
const DOCK_USUAL = 524;
/** What the list keeps beside the docked detail. */
const LIST_MIN = 420;

function countText(feedNow: Feed, shown: number, isFiltered: boolean): string {
  const loaded = feedNow.rows.length;
  if (isFiltered) return `${count(shown)} of ${count(loaded)} loaded`;
  const { total } = feedNow;
  return total === null || total <= loaded ? plural(loaded, "packet") : `${count(loaded)} loaded of ${count(total)}`;
}

function Foot({ state, isFiltered, loaded }: { state: Feed["older"]; isFiltered: boolean; loaded: number }) {
  const button = (label: string) => (
    <button type="button" class="button" onClick={() => void loadOlder()}>
      {label}
    </button>
  );
  switch (state) {
    case "end":
      return <p class="muted">That is all: {plural(loaded, "packet")} stored.</p>;
    case "failed":
      return <p role="alert">Older packets could not be read. {button("Try again")}</p>;
    case "loading":
      return <p class="muted">Loading older packets …</p>;
    case "idle":
      return isFiltered ? <p>{button("Load older packets")}</p> : null;
  }
}

/** Every transmission, newest first, live; one of them open beside or above the list. */
export function Packets({ entity }: PageProps) {
  useEffect(() => startFeed(), []);
  const isDocked = useMedia("(min-width: 1280px)");
  const isPhone = useMedia("(max-width: 639px)");
  const [dragged, setDragged] = useState<number | null>(null);
  const [pageWidth, setPageWidth] = useState(() => innerWidth);

  useEffect(() => {
    const follow = (): void => setPageWidth(innerWidth);
    addEventListener("resize", follow);
    return () => removeEventListener("resize", follow);
  }, []);

  const { query } = address.value;
  const typeText = query.get("type");
  const types = useMemo(() => parseTypes(typeText), [typeText]);
  const isFiltered = types.size > 0;
  const state = feed.value;
  const rows = useMemo(
    () => (isFiltered ? state.rows.filter((row) => row.payloadType !== null && types.has(row.payloadType)) : state.rows),
    [state.rows, types, isFiltered],
  );
  const waiting = isFiltered
    ? state.waiting.filter((row) => row.payloadType !== null && types.has(row.payloadType)).length
    : state.waiting.length;
  const isLate = useLate(state.phase === "loading");

  const go = (hash: string | null, changes: Record<string, string | null> = {}, replace = false): void => {
    const next = new URLSearchParams(query);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === "") next.delete(key);
      else next.set(key, value);
    }
    navigate(addressText(hash === null ? "/packets" : `/packets/${encodeURIComponent(hash)}`, next), { replace });
  };
  const open = (hash: string): void => {
    if (hash !== entity) go(hash, { obs: null }, entity !== null);
  };
  const close = (): void => go(null, { obs: null });
  const setTypes = (next: ReadonlySet<number>): void => go(entity, { type: typesText(next) }, true);

  useEffect(() => {
    document.title = `${entity === null ? "Packets" : `Packet ${short(entity)}`} · CoreScope`;
  }, [entity]);

  useEffect(() => {
    if (entity === null) return;
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      if (document.querySelector("dialog[open], [popover]:popover-open")) return;
      close();
    };
    window.addEventListener("keydown", escape);
    return () => window.removeEventListener("keydown", escape);
  }, [entity, query]);

  const obs = Number(query.get("obs") ?? NaN);
  const detail = entity !== null && (
    <Packet
      hash={entity}
      observation={Number.isNaN(obs) ? null : obs}
      onObservation={(id) => go(entity, { obs: id === null ? null : String(id) }, true)}
      onHash={(hash) => go(hash, {}, true)}
      onClose={close}
    />
  );

  const dockMax = Math.min(DOCK_MAX, pageWidth - (settings.value.railSmall ? 56 : 208) - LIST_MIN);
  const dock = Math.max(DOCK_MIN, Math.min(dragged ?? settings.value.dock ?? DOCK_USUAL, dockMax));
  const isPage = isPhone && entity !== null;

  return (
    <>
      <TopStrip
        title={isPage ? "Packet" : "Packets"}
        crumb={entity !== null && !isPage && <span class="mono">{short(entity)}</span>}
        connection={connection.value}
        onBack={isPage ? close : undefined}
      />
      <main class="packets">
        <section class="list" aria-label="Packet list" inert={isPage}>
          <div class="controls">
            <PauseButton isPaused={pause.value.on} held={pause.value.held} isFull={pause.value.isFull} onChange={setPaused} />
            <TypeChips chosen={types} onChange={setTypes} />
            <div class="controls-end">
              {isFiltered && (
                <button type="button" class="button button-small" onClick={() => setTypes(new Set())}>
                  Clear
                </button>
              )}
              {state.staleSince === null ? (
                <p class="count num">{state.phase === "ready" ? countText(state, rows.length, isFiltered) : ""}</p>
              ) : (
                <button
                  type="button"
                  class="button button-small stale-mark"
                  title={state.error ?? ""}
                  onClick={() => void refresh()}
                >
                  <Icon name="warning" />
                  <span role="status">Not refreshed</span> {age(state.staleSince, now.value)} · Retry
                </button>
              )}
              <Legend />
            </div>
          </div>
          {state.phase === "ready" && rows.length > 0 && (
            <PacketTable
              rows={rows}
              waiting={waiting}
              openHash={entity}
              onOpen={open}
              onClose={close}
              onFollow={setFollows}
              onEnd={() => {
                if (!isFiltered && state.older === "idle") void loadOlder();
              }}
              foot={<Foot state={state.older} isFiltered={isFiltered} loaded={state.rows.length} />}
            />
          )}
          {isLate && <SkeletonRows count={14} />}
          {state.phase === "server-loading" && (
            <Message icon="antenna" title="The server is still loading its history">
              <p>The packets appear here as soon as it is ready.</p>
            </Message>
          )}
          {state.phase === "failed" && (
            <Message
              icon="warning"
              title="The packets could not be read"
              isAlert
              actions={
                <button type="button" class="button" onClick={() => void refresh()}>
                  Try again
                </button>
              }
            >
              <p>{state.error}</p>
            </Message>
          )}
          {state.phase === "ready" && rows.length === 0 && isFiltered && state.rows.length > 0 && (
            <Message
              icon="search"
              title="No packet of these types"
              actions={
                <>
                  <button type="button" class="button" onClick={() => setTypes(new Set())}>
                    Show all types
                  </button>
                  {state.older !== "end" && <Foot state={state.older} isFiltered loaded={state.rows.length} />}
                </>
              }
            >
              <p>
                {state.older === "end"
                  ? `None of the ${plural(state.rows.length, "stored packet")} matches.`
                  : `None of the ${plural(state.rows.length, "loaded packet")} matches; there are older ones.`}
              </p>
            </Message>
          )}
          {state.phase === "ready" && state.rows.length === 0 && (
            <Message icon="antenna" title="No packets yet">
              <p>
                Point an observer at this server's MQTT broker, or start the server with <code>--demo</code> to see
                sample traffic. What is heard appears here at once.
              </p>
            </Message>
          )}
        </section>
        {detail && isPhone && <div class="pane-page">{detail}</div>}
        {detail && !isPhone && !isDocked && (
          <Modal class="pane-over" labelledBy="detail-title" onClose={close}>
            {detail}
          </Modal>
        )}
        {detail && isDocked && (
          <>
            <Resizer
              value={dock}
              min={DOCK_MIN}
              max={dockMax}
              label="Width of the detail"
              onChange={setDragged}
              onDone={(width) => {
                setDragged(null);
                change({ dock: width });
              }}
            />
            <aside class="pane-dock" aria-label="Packet detail" style={{ width: `${dock}px` }}>
              {detail}
            </aside>
          </>
        )}
      </main>
    </>
  );
}
