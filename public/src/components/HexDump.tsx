import { useRef } from "preact/hooks";
import { useWidth } from "../hooks/useWidth";
import { plural } from "../lib/format";
import { asciiByte, hexByte, layersOf, offsetText, type Layer, type LayerName } from "../lib/hex";

const names: Readonly<Record<LayerName, string>> = {
  header: "Header",
  transport: "Transport codes",
  path: "Path",
  payload: "Payload",
};

/** Pixels that 16 bytes with offset and letters need. */
const WIDE = 472;

interface Segment {
  layer: LayerName;
  start: number;
  end: number;
}

/** The part of a line that belongs to each layer. */
function segmentsOf(layers: readonly Layer[], start: number, end: number): Segment[] {
  return layers
    .map(({ name, start: from, end: to }) => ({ layer: name, start: Math.max(start, from), end: Math.min(end, to) }))
    .filter((segment) => segment.end > segment.start);
}

/** The text of byte number `at` of a line, with the gap behind it. */
function withGap(digits: string, at: number, perLine: number): string {
  return digits + (at === perLine - 1 ? "" : at === 7 ? "  " : " ");
}

interface Props {
  bytes: Uint8Array;
}

/** The bytes of a frame with offset and letters, coloured by layer. */
export function HexDump({ bytes }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const perLine = useWidth(box) >= WIDE ? 16 : 8;
  const layers = layersOf(bytes);
  const lines = Array.from({ length: Math.ceil(bytes.length / perLine) }, (_, i) => i * perLine);
  return (
    <div ref={box} class="hex">
      <div class="hex-dump mono" role="group" aria-label={`Hex dump, ${plural(bytes.length, "byte")}`}>
        {lines.map((start) => {
          const end = Math.min(start + perLine, bytes.length);
          const segments = segmentsOf(layers, start, end);
          return (
            <div key={start} class="hex-line">
              <span class="hex-offset">{offsetText(start)}</span>
              <span class="hex-bytes">
                {segments.map((segment) => (
                  <span key={segment.start} class={`layer-${segment.layer}`}>
                    {Array.from(bytes.subarray(segment.start, segment.end), (byte, i) =>
                      withGap(hexByte(byte), segment.start + i - start, perLine),
                    ).join("")}
                  </span>
                ))}
                {end - start < perLine && (
                  <span class="hex-rest" aria-hidden="true">
                    {Array.from({ length: perLine - end + start }, (_, i) => withGap("00", end - start + i, perLine)).join("")}
                  </span>
                )}
              </span>
              <span class="hex-letters" aria-hidden="true">
                {segments.map((segment) => (
                  <span key={segment.start} class={`layer-${segment.layer}`}>
                    {Array.from(bytes.subarray(segment.start, segment.end), asciiByte).join("")}
                  </span>
                ))}
              </span>
            </div>
          );
        })}
      </div>
      <ul class="hex-legend">
        {layers.map(({ name, start, end }) => (
          <li key={name}>
            <span class={`swatch layer-${name}`} aria-hidden="true" />
            {names[name]} <span class="muted num">{end - start === 1 ? start : `${start}–${end - 1}`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
