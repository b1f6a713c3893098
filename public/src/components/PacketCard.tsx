import { useMemo, useState } from "preact/hooks";
import { plural } from "../lib/format";
import type { Row } from "../lib/row";
import { lineOf } from "../lib/summary";
import { serverNow } from "../state/clock";
import { Age } from "./Age";
import { Decibel } from "./Decibel";
import { HopPath } from "./HopPath";
import { ObserverName } from "./ObserverName";
import type { RowPlace } from "./PacketRow";
import { Parts } from "./Parts";
import { TypeBadge } from "./TypeBadge";

const FRESH = 1200;
/** Room for the chips of a path. */
const PATH = 112;

interface Props {
  row: Row;
  place: RowPlace;
}

/** One packet in two lines, where a table has no room. */
export function PacketCard({ row, place }: Props) {
  const [isFresh] = useState(() => row.arrived > 0 && serverNow() - row.arrived < FRESH);
  const content = useMemo(
    () => (
      <div role="gridcell" class="card">
        <div class="card-line">
          <TypeBadge type={row.payloadType} route={row.routeType} />
          <span class="card-summary">
            <Parts parts={lineOf(row.payload, row.payloadType)} />
          </span>
          <Age at={row.since} />
        </div>
        <div class="card-line card-second">
          {row.path.length > 0 && <span class="card-hops">{plural(row.path.length, "hop")}</span>}
          <HopPath hops={row.path} width={PATH} />
          <ObserverName {...row.observer} iata={null} others={row.observers - 1} />
          <Decibel value={row.snr} unit="dB" />
        </div>
      </div>
    ),
    [row],
  );
  return (
    <div
      role="row"
      class={isFresh ? "row row-card fresh" : "row row-card"}
      data-hash={row.hash}
      tabIndex={place.isActive ? 0 : -1}
      aria-rowindex={place.index + 2}
      aria-selected={place.isOpen}
      style={{ transform: `translateY(${place.top}px)`, height: `${place.height}px` }}
    >
      {content}
    </div>
  );
}
