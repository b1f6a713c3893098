import { useRef } from "preact/hooks";

const STEP = 16;

interface Props {
  /** Width of the pane on its right, in pixels. */
  value: number;
  min: number;
  max: number;
  label: string;
  onChange: (value: number) => void;
  /** The movement is over: the value may be remembered. */
  onDone: (value: number) => void;
}

/** The line between two panes; moves by drag and by arrow keys. */
export function Resizer({ value, min, max, label, onChange, onDone }: Props) {
  const start = useRef<{ x: number; value: number } | null>(null);
  const within = (next: number): number => Math.round(Math.min(max, Math.max(min, next)));
  const keys: Readonly<Record<string, number>> = {
    ArrowLeft: value + STEP,
    ArrowRight: value - STEP,
    Home: max,
    End: min,
  };
  return (
    <div
      class="resizer"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      onKeyDown={(event) => {
        const next = keys[event.key];
        if (next === undefined) return;
        event.preventDefault();
        onDone(within(next));
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, value };
      }}
      onPointerMove={(event) => {
        if (start.current) onChange(within(start.current.value + start.current.x - event.clientX));
      }}
      onPointerUp={(event) => {
        if (!start.current) return;
        onDone(within(start.current.value + start.current.x - event.clientX));
        start.current = null;
      }}
      onPointerCancel={() => {
        start.current = null;
      }}
    />
  );
}
