import { type Signal, signal } from "@preact/signals";
import { getHealth, getStats } from "../api/client";
import type { Ingest, Stats } from "../api/types";

const EVERY = 30_000;

/** The server's totals; the last known ones while it cannot be reached. */
export const stats = signal<Stats | null>(null);

/** Whether messages arrive at the server; the last known while it cannot be reached. */
export const ingest = signal<Ingest | null>(null);

/** Refreshes totals and health while somebody looks. The result stops it. */
export function startStats(): () => void {
  const leaving = new AbortController();
  const refresh = (): void => {
    if (document.hidden) return;
    keep(stats, getStats(leaving.signal));
    keep(
      ingest,
      getHealth(leaving.signal).then((health) => health.ingest),
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

function keep<T>(known: Signal<T | null>, asked: Promise<T>): void {
  asked.then(
    (answer) => {
      known.value = answer;
    },
    () => {
      // The connection state says it; what was known stays.
    },
  );
}
