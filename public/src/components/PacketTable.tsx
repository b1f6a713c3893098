import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useTextScale } from "../hooks/useTextScale";
import { useVirtual } from "../hooks/useVirtual";
import { useWidth } from "../hooks/useWidth";
import { CARDS_BELOW, columnsFor, gridTemplate } from "../lib/columns";
import { plural } from "../lib/format";
import type { Row } from "../lib/row";
import { Icon } from "./Icon";
import { PacketCard } from "./PacketCard";
import { PacketRow } from "./PacketRow";

/** Heights in pixels at the usual text size. */
const ROW = 32;
const CARD = 60;
const HEAD = 30;
/** Closer than this to the last row, older ones are asked for. */
const NEAR_END = 24;

interface Props {
  rows: readonly Row[];
  /** New rows that wait above. */
  waiting: number;
  openHash: string | null;
  /** Called with the content hash. */
  onOpen: (hash: string) => void;
  onClose: () => void;
  /** Tells whether new rows may appear: the reader is at the top and does not walk by keyboard. */
  onFollow: (follows: boolean) => void;
  /** The reader has come close to the last row. */
  onEnd: () => void;
  /** What stands below the last row. */
  foot: ComponentChildren;
}

/** The packets as a table, or as cards where it is narrow; only what is in sight exists. */
export function PacketTable({ rows, waiting, openHash, onOpen, onClose, onFollow, onEnd, foot }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const scale = useTextScale();
  const width = useWidth(scroller) / scale;
  const isCards = width < CARDS_BELOW;
  const columns = useMemo(() => columnsFor(width), [width]);
  const [activeHash, setActiveHash] = useState<string | null>(null);
  const wantsFocus = useRef(false);
  const wasOpen = useRef(openHash);

  const found = activeHash === null ? -1 : rows.findIndex((row) => row.hash === activeHash);
  const active = found < 0 ? 0 : found;
  const head = isCards ? 0 : HEAD * scale;
  const size = Math.round((isCards ? CARD : ROW) * scale);
  const virtual = useVirtual({ count: rows.length, size, scroller, head, pinned: found });
  const items = virtual.getVirtualItems();

  const tellFollow = (): void => {
    const box = scroller.current;
    if (!box) return;
    const walks = active > 0 && box.querySelector(".row:focus-visible") !== null;
    onFollow(box.scrollTop < 4 && !walks);
  };

  const moveTo = (index: number): void => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (!row) return;
    wantsFocus.current = true;
    setActiveHash(row.hash);
    virtual.scrollToIndex(rows.indexOf(row), { align: "auto" });
  };

  const toTop = (): void => {
    if (scroller.current) scroller.current.scrollTop = 0;
    setActiveHash(null);
    onFollow(true);
  };

  useLayoutEffect(() => {
    if (!wantsFocus.current || activeHash === null) return;
    const element = scroller.current?.querySelector<HTMLElement>(`.row[data-hash="${CSS.escape(activeHash)}"]`);
    if (!element) return;
    wantsFocus.current = false;
    element.focus({ preventScroll: true });
    tellFollow();
  });

  // Closing the detail leads back to the row it came from.
  useEffect(() => {
    const before = wasOpen.current;
    wasOpen.current = openHash;
    if (before === null || openHash !== null || !rows.some((row) => row.hash === before)) return;
    wantsFocus.current = true;
    setActiveHash(before);
  }, [openHash, rows]);

  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= 0 && last >= rows.length - NEAR_END) onEnd();
  }, [last, rows.length]);

  useEffect(() => () => onFollow(true), []);

  const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / size) - 1);
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: rows.length - 1,
  };

  return (
    <div class="table-box">
      {waiting > 0 && (
        <button type="button" class="new-pill" onClick={toTop}>
          <Icon name="up" />
          {plural(waiting, "new packet")}
        </button>
      )}
      <div
        ref={scroller}
        class={isCards ? "table table-cards" : "table"}
        role="grid"
        aria-label="Packets, newest first"
        aria-rowcount={rows.length + 1}
        aria-colcount={isCards ? 1 : columns.length}
        onScroll={tellFollow}
        onFocusIn={(event) => {
          const hash = (event.target as Element).closest<HTMLElement>(".row")?.dataset["hash"];
          if (hash !== undefined) setActiveHash(hash);
          tellFollow();
        }}
        onFocusOut={() => requestAnimationFrame(tellFollow)}
        onClick={(event) => {
          const hash = (event.target as Element).closest<HTMLElement>(".row")?.dataset["hash"];
          if (hash === undefined) return;
          setActiveHash(hash);
          onOpen(hash);
        }}
        onKeyDown={(event) => {
          if (!(event.target as Element).classList.contains("row")) return;
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          const index = moves[event.key];
          const row = rows[active];
          if (index !== undefined) moveTo(index);
          else if ((event.key === "Enter" || event.key === " ") && row) onOpen(row.hash);
          else if (event.key === "Escape" && openHash !== null) onClose();
          else return;
          event.preventDefault();
        }}
      >
        <div role="rowgroup" class={isCards ? "unseen" : "table-head"}>
          <div role="row" aria-rowindex={1} class="head-row" style={{ gridTemplateColumns: gridTemplate(columns) }}>
            {isCards ? (
              <div role="columnheader">Packet</div>
            ) : (
              columns.map(({ id, label, isNumber }) => (
                <div key={id} role="columnheader" class={`cell${isNumber ? " cell-number" : ""}`}>
                  {label}
                </div>
              ))
            )}
          </div>
        </div>
        <div
          role="rowgroup"
          class="table-body"
          style={{ height: `${virtual.getTotalSize()}px`, "--columns": gridTemplate(columns) }}
        >
          {width > 0 &&
            items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              const place = {
                index: item.index,
                top: item.start - head,
                height: item.size,
                isOpen: row.hash === openHash,
                isActive: item.index === active,
              };
              return isCards ? (
                <PacketCard key={row.hash} row={row} place={place} />
              ) : (
                <PacketRow key={row.hash} row={row} columns={columns} place={place} />
              );
            })}
        </div>
        <div class="table-foot">{foot}</div>
      </div>
    </div>
  );
}
