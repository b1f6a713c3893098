import { signal } from "@preact/signals";
import { getStats } from "../api/client";
import type { Stats } from "../api/types";

const EVERY = 30_000;

/** The server's totals; the last known ones while it cannot be reached. */
export const stats = signal<Stats | null>(null);

/** Refreshes the totals while somebody looks. The result stops it. */
export function startStats(): () => void {
  const leaving = new AbortController();
  const refresh = (): void => {
    if (document.hidden) return;
    getStats(leaving.signal).then(
      (answer) => {
        stats.value = answer;
      },
      () => {
        // The connection state says it; old totals stay.
      },
    );
  };
  refresh();
  const timer = setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
  return () => {
    leaving.abort();
    clearInterval(timer);
    document.removeEventListener("visibilitychange", refresh);
  };
}
