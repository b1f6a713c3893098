import { useEffect, useRef, useState } from "preact/hooks";
import type { LivePhase, LiveState } from "../api/live";
import { now } from "../state/clock";

const words: Readonly<Record<LivePhase, string>> = {
  live: "Live",
  connecting: "Connecting",
  reconnecting: "Reconnecting",
  offline: "Offline",
};

/** Spoken at most once in this time. */
const QUIET = 5000;

/** The phase for screen readers: the last one, when it has settled. */
function useSpoken(phase: LivePhase): string {
  const [spoken, setSpoken] = useState("");
  const last = useRef(0);
  useEffect(() => {
    const wait = Math.max(1000, last.current + QUIET - Date.now());
    const timer = setTimeout(() => {
      last.current = Date.now();
      setSpoken(words[phase]);
    }, wait);
    return () => clearTimeout(timer);
  }, [phase]);
  return spoken;
}

interface Props {
  state: LiveState;
}

/** The state of the live feed, in words. */
export function Connection({ state: { phase, retryAt } }: Props) {
  const spoken = useSpoken(phase);
  void now.value; // the countdown
  const seconds = retryAt === null ? 0 : Math.ceil((retryAt - Date.now()) / 1000);
  return (
    <p class={`connection connection-${phase}`}>
      <span class="dot" aria-hidden="true" />
      <span aria-hidden="true">
        {words[phase]}
        {seconds > 0 && ` in ${seconds} s`}
      </span>
      <span class="unseen" role="status">
        {spoken && `Live feed: ${spoken}`}
      </span>
    </p>
  );
}
