const FIRST_DELAY = 1000;
const MAX_DELAY = 15_000;

/** Milliseconds before attempt `n` (from 0): doubling from 1 s to 15 s, the upper half at random. */
export function backoff(n: number, random = Math.random()): number {
  const full = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** n);
  return Math.max(FIRST_DELAY, full / 2 + (full / 2) * random);
}
