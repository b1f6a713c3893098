import type { LiveFrame } from "./types";

/** A frame of the live feed; `null` for what is not one, or of a type this version does not know. */
export function parseFrame(text: unknown): LiveFrame | null {
  if (typeof text !== "string") return null;
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof frame !== "object" || frame === null || !("type" in frame)) return null;
  if (frame.type === "lagged") return { type: "lagged", dropped: "dropped" in frame ? Number(frame.dropped) : 0 };
  if (frame.type !== "packet" || !("data" in frame)) return null;
  const { data } = frame;
  if (typeof data !== "object" || data === null || !("hash" in data) || typeof data.hash !== "string") return null;
  return frame as LiveFrame;
}
