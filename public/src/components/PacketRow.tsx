import { useMemo, useState } from "preact/hooks";
import type { Column, ColumnId } from "../lib/columns";
import { count, MISSING, NOT_REPORTED, short } from "../lib/format";
import type { Row } from "../lib/row";
import { lineOf } from "../lib/summary";
import { serverNow } from "../state/clock";
import { Age } from "./Age";
import { Decibel } from "./Decibel";
import { HopPath } from "./HopPath";
import { ObserverName } from "./ObserverName";
import { Parts } from "./Parts";
import { TypeBadge } from "./TypeBadge";

/** A row lights up when it is drawn this soon after it arrived. */
const FRESH = 1200;
const CELL_PADDING = 16;
/** From this width on the region has room beside the observer's name. */
const WIDE_OBSERVER = 160;

export interface RowPlace {
  index: number;
  top: number;
  height: number;
  isOpen: boolean;
  isActive: boolean;
}

interface CellProps {
  id: ColumnId;
  row: Row;
  width: number;
}

function Cell({ id, row, width }: CellProps) {
  switch (id) {
    case "type":
      return <TypeBadge type={row.payloadType} route={row.routeType} />;
    case "heard":
      return <Age at={row.since} />;
    case "hash":
      return <span class="mono muted">{short(row.hash)}</span>;
    case "summary":
      return <Parts parts={lineOf(row.payload, row.payloadType)} />;
    case "hops":
      return <>{row.path.length}</>;
    case "path":
      return <HopPath hops={row.path} width={width - CELL_PADDING} />;
    case "observers":
      return <ObserverName {...row.observer} iata={width < WIDE_OBSERVER ? null : row.observer.iata} others={row.observers - 1} />;
    case "snr":
      return <Decibel value={row.snr} unit="dB" />;
    case "rssi":
      return <Decibel value={row.rssi} unit="dBm" digits={0} />;
    case "size":
      return row.size === null ? (
        <span title={NOT_REPORTED}>{MISSING}</span>
      ) : (
        <>
          {count(row.size)} <span class="unit">B</span>
        </>
      );
  }
}

interface Props {
  row: Row;
  columns: readonly Column[];
  place: RowPlace;
}

/** One line of the packet table. */
export function PacketRow({ row, columns, place }: Props) {
  const [isFresh] = useState(() => row.arrived > 0 && serverNow() - row.arrived < FRESH);
  const cells = useMemo(
    () =>
      columns.map(({ id, isNumber, width }) => (
        <div key={id} role="gridcell" class={`cell cell-${id}${isNumber ? " cell-number" : ""}`}>
          <Cell id={id} row={row} width={width ?? 0} />
        </div>
      )),
    [row, columns],
  );
  return (
    <div
      role="row"
      class={isFresh ? "row fresh" : "row"}
      data-hash={row.hash}
      tabIndex={place.isActive ? 0 : -1}
      aria-rowindex={place.index + 2}
      aria-selected={place.isOpen}
      style={{ transform: `translateY(${place.top}px)`, height: `${place.height}px` }}
    >
      {cells}
    </div>
  );
}
