import { useRef } from "preact/hooks";
import type { DecodedPayload, Observation, PacketAnswer } from "../api/types";
import { useWidth } from "../hooks/useWidth";
import { fieldsOf } from "../lib/fields";
import { count, MISSING, NOT_REPORTED, plural } from "../lib/format";
import { bytesOf } from "../lib/hex";
import { routeName } from "../lib/payload";
import { parsePath } from "../lib/path";
import { sentenceOf } from "../lib/summary";
import { calm } from "../lib/text";
import { bothTimes, localTime, parseTime } from "../lib/time";
import { Age } from "./Age";
import { CopyButton } from "./CopyButton";
import { Decibel } from "./Decibel";
import { FieldList } from "./FieldList";
import { HexDump } from "./HexDump";
import { HopPath } from "./HopPath";
import { ObservationTable } from "./ObservationTable";
import { ObserverName } from "./ObserverName";
import { Parts } from "./Parts";

function payloadOf(json: string | null): DecodedPayload | null {
  try {
    const value: unknown = JSON.parse(json ?? "null");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as DecodedPayload) : null;
  } catch {
    return null;
  }
}

function scopeText(scope: string | null | undefined): string {
  if (scope === null || scope === undefined) return "none";
  return calm(scope) || "unknown region";
}

/** Time of the first and the last reception, and the longest path of all. */
function receptionOf({ packet, observations = [] }: PacketAnswer) {
  const times = observations.map((one) => parseTime(one.timestamp)).filter((at) => at !== null);
  const seen = parseTime(packet.first_seen);
  const first = times.length > 0 ? Math.min(...times) : seen;
  const last = times.length > 0 ? Math.max(...times) : seen;
  return {
    first,
    last,
    observers: new Set(observations.map((one) => one.observer_id)).size,
    longest: Math.max(parsePath(packet.path_json).length, ...observations.map((one) => parsePath(one.path_json).length)),
  };
}

function Moment({ at }: { at: number | null }) {
  if (at === null) return <span title={NOT_REPORTED}>{MISSING}</span>;
  return (
    <>
      <time dateTime={new Date(at).toISOString()} title={bothTimes(at)} class="num">
        {localTime(at)}
      </time>{" "}
      <span class="muted">
        <Age at={at} isBeside />
      </span>
    </>
  );
}

interface Props {
  answer: PacketAnswer;
  /** Id of the observation whose path and bytes are shown; `null` for the first reception. */
  observation: number | null;
  onObservation: (id: number | null) => void;
}

/** Everything known of one packet. */
export function PacketDetail({ answer, observation, onObservation }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { packet, observations = [] } = answer;
  const chosen: Observation | undefined = observations.find((one) => one.id === observation);
  const payload = payloadOf(packet.decoded_json);
  const { first, last, observers, longest } = receptionOf(answer);
  const raw = chosen?.raw_hex ?? packet.raw_hex;
  const bytes = bytesOf(raw);
  const hops = parsePath(chosen ? chosen.path_json : packet.path_json);
  const heard = chosen ?? packet;

  return (
    <div ref={box} class="detail-body">
      <p class="sentence">
        <Parts
          parts={sentenceOf({
            payload,
            payloadType: packet.payload_type,
            observations: packet.observation_count,
            observers,
            within: first !== null && last !== null ? last - first : null,
            longestPath: longest,
          })}
        />
      </p>
      {payload && typeof payload["text"] === "string" && (
        <blockquote class="quote">
          <bdi>{calm(payload["text"]) || "(empty)"}</bdi>
        </blockquote>
      )}

      <section aria-labelledby="detail-facts">
        <h3 id="detail-facts">
          {chosen ? "This reception" : "Best reception"}
          {chosen && (
            <button type="button" class="button button-small" onClick={() => onObservation(null)}>
              Show the best
            </button>
          )}
        </h3>
        <dl class="fields">
          <div class="field">
            <dt>Heard by</dt>
            <dd>
              <ObserverName id={heard.observer_id} name={heard.observer_name} iata={heard.observer_iata} />
            </dd>
          </div>
          <div class="field">
            <dt>Signal</dt>
            <dd>
              <span class="pair">
                <span class="muted">SNR</span> <Decibel value={heard.snr} unit="dB" digits={2} />
              </span>
              <span class="pair">
                <span class="muted">RSSI</span> <Decibel value={heard.rssi} unit="dBm" digits={0} />
              </span>
            </dd>
          </div>
          <div class="field">
            <dt>Path, {plural(hops.length, "hop")}</dt>
            <dd>
              <HopPath hops={hops} />
            </dd>
          </div>
          <div class="field">
            <dt>First heard</dt>
            <dd>
              <Moment at={first} />
            </dd>
          </div>
          <div class="field">
            <dt>Last heard</dt>
            <dd>
              <Moment at={last} />
            </dd>
          </div>
          <div class="field">
            <dt>Route</dt>
            <dd>{routeName(packet.route_type)}</dd>
          </div>
          <div class="field">
            <dt>Scope</dt>
            <dd>
              <bdi>{scopeText(packet.scope_name)}</bdi>
            </dd>
          </div>
          <div class="field">
            <dt>Size</dt>
            <dd>
              <span class="num">{count(bytes.length)}</span> <span class="unit">bytes</span>
            </dd>
          </div>
        </dl>
      </section>

      <section aria-labelledby="detail-fields">
        <h3 id="detail-fields">Decoded</h3>
        {payload ? <FieldList fields={fieldsOf(payload)} /> : <p class="muted">Nothing of this payload could be decoded.</p>}
      </section>

      <section aria-labelledby="detail-bytes">
        <h3 id="detail-bytes">
          Bytes
          <span class="muted">{chosen ? "as this observer heard them" : "of the first reception"}</span>
          {raw && <CopyButton text={raw} what="hex" />}
        </h3>
        {bytes.length > 0 ? <HexDump bytes={bytes} /> : <p class="muted">The bytes are not stored.</p>}
      </section>

      <section aria-labelledby="detail-observations">
        <h3 id="detail-observations">
          Receptions
          <span class="muted">{count(packet.observation_count)}</span>
        </h3>
        {observations.length > 0 && (
          <ObservationTable
            observations={observations}
            first={first}
            selected={chosen?.id ?? null}
            pathWidth={Math.max(80, width - 250)}
            onSelect={(id) => onObservation(id === chosen?.id ? null : id)}
          />
        )}
        {observations.length < packet.observation_count && (
          <p class="muted">
            {count(observations.length)} of {count(packet.observation_count)} receptions are still stored.
          </p>
        )}
      </section>
    </div>
  );
}
