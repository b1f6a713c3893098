import { signal } from "@preact/signals";
import { connectLive, type LiveState } from "../api/live";
import type { LiveFrame } from "../api/types";

type Listener = (frame: LiveFrame) => void;

const listeners = new Set<Listener>();

/** State of the one live connection. */
export const connection = signal<LiveState>({ phase: "connecting", retryAt: null });

/** Counts the times the feed came up; everything from the second on follows a gap. */
export const sessions = signal(0);

/** Hears every frame until the result is called. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Opens the connection the whole application shares. The result closes it. */
export function startConnection(): () => void {
  return connectLive({
    onFrame: (frame) => {
      for (const listener of listeners) listener(frame);
    },
    onState: (state) => {
      connection.value = state;
      if (state.phase === "live") sessions.value++;
    },
  });
}
