/** Bytes of a hex text; what is not hex ends the list. */
export function bytesOf(hex: string | null | undefined): Uint8Array {
  const text = (/^[0-9a-f]*/i.exec(hex ?? "") ?? [""])[0];
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Two digits, as dumps are read. */
export function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0").toUpperCase();
}

/** Where a line of a dump begins. */
export function offsetText(offset: number): string {
  return offset.toString(16).padStart(4, "0").toUpperCase();
}

/** The letter of a byte, or a dot where there is none. */
export function asciiByte(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}

export type LayerName = "header" | "transport" | "path" | "payload";

export interface Layer {
  name: LayerName;
  start: number;
  /** First byte behind the layer. */
  end: number;
}

/** The layers of a frame: header, transport codes if any, path with its length byte, payload. */
export function layersOf(bytes: Uint8Array): Layer[] {
  const header = bytes[0];
  if (header === undefined) return [];
  const layers: Layer[] = [];
  const add = (name: LayerName, length: number): void => {
    const start = layers.at(-1)?.end ?? 0;
    const end = Math.min(start + length, bytes.length);
    if (end > start) layers.push({ name, start, end });
  };
  const route = header & 3;
  const isTrace = ((header >> 2) & 15) === 9;
  add("header", 1);
  if (route === 0 || route === 3) add("transport", 4);
  const length = bytes[layers.at(-1)?.end ?? 0] ?? 0;
  const hopSize = isTrace ? 1 : (length >> 6) + 1;
  add("path", 1 + (length & 63) * hopSize);
  add("payload", bytes.length);
  return layers;
}
