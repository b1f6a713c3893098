import { backoff } from "../lib/backoff";
import { href } from "../lib/base";
import { parseFrame } from "./frame";
import type { LiveFrame } from "./types";

export type LivePhase = "connecting" | "live" | "reconnecting" | "offline";

export interface LiveState {
  phase: LivePhase;
  /** When the next attempt starts, while reconnecting. */
  retryAt: number | null;
}

interface Handlers {
  onFrame: (frame: LiveFrame) => void;
  onState: (state: LiveState) => void;
}

/** Opens the live feed and keeps it open. The result closes it for good. */
export function connectLive({ onFrame, onState }: Handlers): () => void {
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const open = (): void => {
    clearTimeout(timer);
    onState({ phase: failures === 0 ? "connecting" : "reconnecting", retryAt: null });
    const address = new URL(href("/ws"), location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const opened = new WebSocket(address);
    socket = opened;
    opened.onopen = () => {
      failures = 0;
      onState({ phase: "live", retryAt: null });
    };
    opened.onmessage = (message) => {
      const frame = parseFrame(message.data);
      if (frame) onFrame(frame);
    };
    opened.onclose = () => {
      if (socket !== opened) return;
      socket = null;
      wait();
    };
  };

  const drop = (): void => {
    clearTimeout(timer);
    const old = socket;
    socket = null;
    old?.close();
  };

  const wait = (): void => {
    if (!navigator.onLine) {
      onState({ phase: "offline", retryAt: null });
      return;
    }
    const delay = backoff(failures++);
    onState({ phase: "reconnecting", retryAt: Date.now() + delay });
    timer = setTimeout(open, delay);
  };

  const online = (): void => {
    if (!socket) open();
  };
  const offline = (): void => {
    drop();
    onState({ phase: "offline", retryAt: null });
  };

  window.addEventListener("online", online);
  window.addEventListener("offline", offline);
  open();
  return () => {
    window.removeEventListener("online", online);
    window.removeEventListener("offline", offline);
    drop();
  };
}
