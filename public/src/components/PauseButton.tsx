import { count } from "../lib/format";
import { Icon } from "./Icon";

interface Props {
  isPaused: boolean;
  /** Receptions that wait. */
  held: number;
  isFull: boolean;
  onChange: (paused: boolean) => void;
}

/** Stops and continues the live feed. */
export function PauseButton({ isPaused, held, isFull, onChange }: Props) {
  const title = isFull
    ? "More arrived than are kept; the list is read again afterwards"
    : isPaused
      ? "Continue: what was heard meanwhile is shown"
      : "Pause: new packets wait";
  return (
    <button type="button" class="button pause" aria-pressed={isPaused} title={title} onClick={() => onChange(!isPaused)}>
      <Icon name={isPaused ? "play" : "pause"} />
      <span class="pause-text">{isPaused ? (held > 0 ? `${count(held)}${isFull ? "+" : ""} wait` : "Paused") : "Pause"}</span>
    </button>
  );
}
