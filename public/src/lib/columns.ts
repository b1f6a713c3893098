export type ColumnId = "type" | "heard" | "hash" | "summary" | "hops" | "path" | "observers" | "snr" | "rssi" | "size";

export interface Column {
  id: ColumnId;
  label: string;
  /** Pixels at the usual text size; `null` takes what is left. */
  width: number | null;
  isNumber: boolean;
}

interface Rule {
  label: string;
  isNumber?: boolean;
  /** Width from a table width on, widest table first; narrower tables leave the column out. */
  widths: readonly (readonly [from: number, width: number | null])[];
}

/** Below this width of the table its rows are two-line cards. */
export const CARDS_BELOW = 600;

const rules: Readonly<Record<ColumnId, Rule>> = {
  type: { label: "Type", widths: [[0, 72]] },
  heard: { label: "Heard", isNumber: true, widths: [[0, 88]] },
  hash: { label: "Hash", widths: [[920, 80]] },
  summary: { label: "What it says", widths: [[0, null]] },
  hops: { label: "Hops", isNumber: true, widths: [[0, 50]] },
  path: { label: "Path", widths: [[1200, 196], [1000, 168], [790, 122]] },
  observers: { label: "Heard by", widths: [[1200, 188], [760, 168], [0, 140]] },
  snr: { label: "SNR", isNumber: true, widths: [[0, 80]] },
  rssi: { label: "RSSI", isNumber: true, widths: [[1060, 90]] },
  size: { label: "Size", isNumber: true, widths: [[930, 62]] },
};

/** The columns that have room in a table of this width, in pixels at the usual text size. */
export function columnsFor(width: number): Column[] {
  return (Object.entries(rules) as [ColumnId, Rule][]).flatMap(([id, rule]) => {
    const fit = rule.widths.find(([from]) => width >= from);
    return fit ? [{ id, label: rule.label, width: fit[1], isNumber: rule.isNumber ?? false }] : [];
  });
}

/** The same columns as a grid template; they grow with the text. */
export function gridTemplate(columns: readonly Column[]): string {
  return columns.map(({ width }) => (width === null ? "minmax(0, 1fr)" : `${width / 16}rem`)).join(" ");
}
