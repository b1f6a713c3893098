const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A little future is only two clocks; more than this is told. */
const TOLERANCE = MINUTE;

/** Milliseconds of an ISO time; `null` when there is none or it cannot be read. */
export function parseTime(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : at;
}

const two = (n: number): string => String(n).padStart(2, "0");

function day(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function clock(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Local time to the second: `2026-03-18 09:03:20`. */
export function localTime(at: number): string {
  const date = new Date(at);
  return `${day(date)} ${clock(date)}:${two(date.getSeconds())}`;
}

/** UTC to the second: `2026-03-18 09:03:20`. */
export function utcTime(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

/** Both forms, for a tooltip. */
export function bothTimes(at: number): string {
  return `${utcTime(at)} UTC\n${localTime(at)} local`;
}

/** True when a time lies so far ahead that a clock must be wrong. */
export function isFuture(at: number, now: number): boolean {
  return at - now > TOLERANCE;
}

/** Up to 24 hours as an age, older (or in the future) as a short local date. At most 11 characters. */
export function age(at: number, now: number): string {
  const past = now - at;
  if (past < -TOLERANCE || past > DAY) return shortDate(at, now);
  if (past < SECOND) return "now";
  if (past < MINUTE) return `${Math.floor(past / SECOND)} s`;
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  return `${Math.floor(past / HOUR)} h`;
}

/** The same in running text: `4 min ago`. Empty where only a date is left to say. */
export function ago(at: number, now: number): string {
  const past = now - at;
  if (past < -TOLERANCE || past > DAY) return "";
  return past < SECOND ? "now" : `${age(at, now)} ago`;
}

function shortDate(at: number, now: number): string {
  const date = new Date(at);
  const text = day(date);
  return date.getFullYear() === new Date(now).getFullYear() ? `${text.slice(5)} ${clock(date)}` : text;
}

/** A length of time in one or two units: `0.4 s`, `2.1 s`, `3 min 20 s`, `5 h 2 min`. */
export function span(ms: number): string {
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  const pair = (big: number, bigName: string, small: number, smallName: string): string => {
    const whole = Math.floor(ms / big);
    const rest = Math.floor((ms % big) / small);
    return rest === 0 ? `${whole} ${bigName}` : `${whole} ${bigName} ${rest} ${smallName}`;
  };
  if (ms < HOUR) return pair(MINUTE, "min", SECOND, "s");
  if (ms < DAY) return pair(HOUR, "h", MINUTE, "min");
  return pair(DAY, "d", HOUR, "h");
}
