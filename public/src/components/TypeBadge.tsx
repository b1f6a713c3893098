import { isTransport, payloadType } from "../lib/payload";

interface Props {
  type: number | null;
  route?: number | null;
}

/** Code and family colour of a payload type; a small T for transported routes. */
export function TypeBadge({ type, route = null }: Props) {
  const { code, family, short, long, name } = payloadType(type);
  const transported = isTransport(route);
  return (
    <span class={`badge family-${family}${transported ? " badge-wide" : ""}`} title={`${short} (${name}) – ${long}${transported ? "\nTransported route" : ""}`}>
      <span aria-hidden="true">{code}</span>
      <span class="unseen">{short}</span>
      {transported && (
        <span class="badge-t">
          T<span class="unseen">ransported</span>
        </span>
      )}
    </span>
  );
}
