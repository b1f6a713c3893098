import { MISSING, NOT_REPORTED } from "../lib/format";
import { age, ago, bothTimes, isFuture } from "../lib/time";
import { now } from "../state/clock";

interface Props {
  at: number | null;
  /** In running text beside a date: `4 min ago`, or nothing when it is long ago. */
  isBeside?: boolean;
}

/** A time as an age, or as a date when it is older than a day. Ticks with the one clock. */
export function Age({ at, isBeside = false }: Props) {
  if (at === null) return <span title={NOT_REPORTED}>{MISSING}</span>;
  const future = isFuture(at, now.value);
  return (
    <time
      class={future ? "age warning-text" : "age"}
      dateTime={new Date(at).toISOString()}
      title={bothTimes(at) + (future ? "\nIn the future: a clock may be wrong" : "")}
    >
      {isBeside ? ago(at, now.value) : age(at, now.value)}
    </time>
  );
}
