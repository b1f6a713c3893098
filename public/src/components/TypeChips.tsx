import { useLayoutEffect, useRef } from "preact/hooks";
import { payloadTypes } from "../lib/payload";

interface Props {
  /** Types that are shown; none chosen means all. */
  chosen: ReadonlySet<number>;
  onChange: (chosen: ReadonlySet<number>) => void;
}

/** The filter by payload type; at the same time the legend of the families' colours. */
export function TypeChips({ chosen, onChange }: Props) {
  const box = useRef<HTMLDivElement>(null);

  // A link may choose a type that is out of sight where the chips do not all fit.
  useLayoutEffect(() => {
    const first = box.current?.querySelector<HTMLElement>('[aria-pressed="true"]');
    if (box.current && first) box.current.scrollLeft = first.offsetLeft - box.current.offsetLeft;
  }, []);

  const toggle = (id: number): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  return (
    <div
      ref={box}
      class="chips"
      role="group"
      aria-label="Show these types only"
      onWheel={(event) => {
        event.currentTarget.scrollLeft += event.deltaY;
      }}
    >
      {payloadTypes.map(({ id, code, short, long, family }) => (
        <button
          key={id}
          type="button"
          class={`chip family-${family}`}
          aria-pressed={chosen.has(id)}
          title={`${short} – ${long}`}
          onClick={() => toggle(id)}
        >
          {code}
          <span class="unseen"> {short}</span>
        </button>
      ))}
    </div>
  );
}
