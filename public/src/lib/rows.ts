import type { Row } from "./row";

/** Order of the list: the newest place first, the newest id on ties. */
export function newestFirst(a: Row, b: Row): number {
  return b.since - a.since || b.id - a.id;
}

/** Puts changed rows into a sorted list. A row whose place did not change is replaced where it is. */
export function insertRows(rows: readonly Row[], changed: ReadonlyMap<string, Row>): readonly Row[] {
  if (changed.size === 0) return rows;
  const left = new Map(changed);
  const kept: Row[] = [];
  for (const row of rows) {
    const next = left.get(row.hash);
    if (next === undefined) kept.push(row);
    else if (next.since === row.since) {
      kept.push(next);
      left.delete(row.hash);
    }
  }
  if (left.size === 0) return kept;
  const added = [...left.values()].sort(newestFirst);
  const merged: Row[] = [];
  let i = 0;
  for (const row of kept) {
    for (let next = added[i]; next && newestFirst(next, row) <= 0; next = added[i]) {
      merged.push(next);
      i++;
    }
    merged.push(row);
  }
  return merged.concat(added.slice(i));
}
