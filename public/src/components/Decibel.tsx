import { MISSING, NOT_REPORTED, signed } from "../lib/format";

interface Props {
  value: number | null;
  unit: "dB" | "dBm";
  digits?: number;
}

/** A signal value with its sign, its unit in the second colour. */
export function Decibel({ value, unit, digits = 1 }: Props) {
  if (value === null) return <span class="muted" title={NOT_REPORTED}>{MISSING}</span>;
  return (
    <span class="num">
      {signed(value, digits)} <span class="unit">{unit}</span>
    </span>
  );
}
