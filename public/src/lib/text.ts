/** Marks that turn the reading direction of what follows, and separators that nobody sees. */
const INVISIBLE = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/**
 * Text from the radio as it may be shown: direction overrides and invisible marks are gone, control characters are a
 * space. Joiners stay, emoji are built with them.
 */
export function calm(text: string): string {
  return text.replace(INVISIBLE, "").replace(CONTROL, " ").trim();
}

/** A name from the radio; what is left empty gets words of ours. */
export function nameOr(text: string | null | undefined, otherwise: string): string {
  return calm(text ?? "") || otherwise;
}
