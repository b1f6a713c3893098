interface Props {
  count: number;
}

const widths = ["62%", "44%", "71%", "38%", "56%", "49%", "66%"];

/** Placeholders of a list that is on its way. */
export function SkeletonRows({ count }: Props) {
  return (
    <div class="skeleton" role="status">
      <span class="unseen">Loading</span>
      {Array.from({ length: count }, (_, i) => (
        <div key={i} class="skeleton-row" aria-hidden="true">
          <span class="bone bone-badge" />
          <span class="bone bone-short" />
          <span class="bone-room">
            <span class="bone" style={{ width: widths[i % widths.length] }} />
          </span>
          <span class="bone bone-short" />
        </div>
      ))}
    </div>
  );
}
