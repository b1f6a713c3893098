import type { Observation } from "../api/types";
import { MISSING, NOT_REPORTED } from "../lib/format";
import { parsePath } from "../lib/path";
import { bothTimes, parseTime, span } from "../lib/time";
import { Decibel } from "./Decibel";
import { HopPath } from "./HopPath";
import { ObserverName } from "./ObserverName";

interface Props {
  observations: readonly Observation[];
  /** Time of the first reception. */
  first: number | null;
  selected: number | null;
  /** Room for the path of a row, in pixels. */
  pathWidth: number;
  /** Called with the id of the observation. */
  onSelect: (id: number) => void;
}

/** Who heard a packet, and how. Choosing one shows its own path and bytes. */
export function ObservationTable({ observations, first, selected, pathWidth, onSelect }: Props) {
  return (
    <table class="observations">
      <thead>
        <tr>
          <th scope="col">Observer and path</th>
          <th scope="col" class="cell-number">
            Hops
          </th>
          <th scope="col" class="cell-number">
            SNR
          </th>
          <th scope="col" class="cell-number">
            RSSI
          </th>
          <th scope="col" class="cell-number">
            After
          </th>
        </tr>
      </thead>
      <tbody>
        {observations.map((observation) => {
          const at = parseTime(observation.timestamp);
          const hops = parsePath(observation.path_json);
          const isSelected = observation.id === selected;
          return (
            <tr key={observation.id} class={isSelected ? "selected" : ""} onClick={() => onSelect(observation.id)}>
              <th scope="row">
                <button type="button" class="row-button" aria-pressed={isSelected}>
                  <ObserverName id={observation.observer_id} name={observation.observer_name} iata={observation.observer_iata} />
                </button>
                {observation.direction === "tx" && <span class="iata">sent</span>}
                <HopPath hops={hops} width={pathWidth} />
              </th>
              <td class="cell-number">{hops.length}</td>
              <td class="cell-number">
                <Decibel value={observation.snr} unit="dB" />
              </td>
              <td class="cell-number">
                <Decibel value={observation.rssi} unit="dBm" digits={0} />
              </td>
              <td class="cell-number">
                {at === null || first === null ? (
                  <span title={NOT_REPORTED}>{MISSING}</span>
                ) : (
                  <time dateTime={new Date(at).toISOString()} title={bothTimes(at)}>
                    {at <= first ? "first" : span(at - first)}
                  </time>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
