import { count, MISSING, NOT_REPORTED, short } from "../lib/format";
import { nameOr } from "../lib/text";

interface Props {
  id: string | null;
  name: string | null;
  iata: string | null;
  /** Further observers that heard the same. */
  others?: number;
}

/** An observer by name and region. */
export function ObserverName({ id, name, iata, others = 0 }: Props) {
  const label = nameOr(name, short(id ?? "", 12));
  return (
    <span class="observer">
      {label ? <bdi class="name">{label}</bdi> : <span class="muted" title={NOT_REPORTED}>{MISSING}</span>}
      {iata && <bdi class="iata">{nameOr(iata, "")}</bdi>}
      {others > 0 && (
        <span class="pill" title={`and ${others} more`}>
          +{count(others)}
        </span>
      )}
    </span>
  );
}
