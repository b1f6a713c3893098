import { fitHops } from "../lib/path";

interface Props {
  hops: readonly string[];
  /** Room in pixels; without it every hop is shown. */
  width?: number;
}

/** The hops of a path as chips; what has no room is counted in a pill. */
export function HopPath({ hops, width }: Props) {
  if (hops.length === 0) {
    return (
      <span class="muted" title="Heard without a hop in between">
        no hop
      </span>
    );
  }
  const shown = width === undefined ? hops.length : fitHops(hops, width);
  const hidden = hops.length - shown;
  return (
    <span class={width === undefined ? "path path-all" : "path"} title={hops.join(" → ")}>
      {hops.slice(0, shown).map((hop, i) => (
        <span key={i} class="hop mono">
          {hop}
        </span>
      ))}
      {hidden > 0 && <span class="pill">+{hidden}</span>}
    </span>
  );
}
