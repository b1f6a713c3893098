import { signal } from "@preact/signals";

/** How far the server's clock is ahead of this one; small differences are only the way here. */
let ahead = 0;

/** The server's time now. Every age on the screen follows this one signal; it rests while nobody looks. */
export const now = signal(Date.now());

function tick(): void {
  if (!document.hidden) now.value = Date.now() + ahead;
}

/** Takes the time of an answer as the truth, when the clock here is off by more than two seconds. */
export function noteServerTime(date: string | null): void {
  const at = Date.parse(date ?? "");
  if (Number.isNaN(at)) return;
  const difference = at - Date.now();
  ahead = Math.abs(difference) > 2000 ? difference : 0;
}

export function serverNow(): number {
  return Date.now() + ahead;
}

/** Lets the clock run. The result stops it. */
export function startClock(): () => void {
  const timer = setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
  };
}
