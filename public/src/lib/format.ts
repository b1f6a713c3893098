/** What stands where nobody measured. */
export const MISSING = "–";
export const NOT_REPORTED = "not reported";

const MINUS = "\u2212";
const THIN = "\u202f";

/** A whole number in groups of three: `55 522`. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** A number of things with the right word: `1 packet`, `3 packets`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A dB or dBm value: its sign is always there. */
export function signed(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits);
  const zero = Number(text) === 0;
  return `${value < 0 && !zero ? MINUS : "+"}${text}`;
}

/** Degrees with five decimals, about a metre. */
export function degrees(value: number): string {
  return `${value < 0 ? MINUS : ""}${Math.abs(value).toFixed(5)}`;
}

/** The first characters of a hash or key. */
export function short(hex: string, length = 8): string {
  return hex.slice(0, length);
}
