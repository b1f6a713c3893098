import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, getPacket } from "../api/client";
import type { PacketAnswer } from "../api/types";
import { CopyButton } from "../components/CopyButton";
import { Icon } from "../components/Icon";
import { Message } from "../components/Message";
import { PacketDetail } from "../components/PacketDetail";
import { SkeletonRows } from "../components/SkeletonRows";
import { TypeBadge } from "../components/TypeBadge";
import { useLate } from "../hooks/useLate";
import { short } from "../lib/format";
import { listen } from "../state/connection";

/** Receptions of the open packet are read together, this long after the first of them. */
const SETTLE = 1500;

interface Props {
  /** The content hash, or an id that leads to one. */
  hash: string;
  observation: number | null;
  onObservation: (id: number | null) => void;
  /** The packet is known by another hash than the address says. */
  onHash: (hash: string) => void;
  onClose: () => void;
}

/** One packet: fetches it, and again when it is heard again. */
export function Packet({ hash, observation, onObservation, onHash, onClose }: Props) {
  const [answer, setAnswer] = useState<PacketAnswer | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = answer?.packet.hash === hash ? answer : null;
  const isLate = useLate(!shown && !error);

  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = (): void => {
      timer = undefined;
      getPacket(hash, leaving.signal).then(
        (next) => {
          setAnswer(next);
          setError(null);
          if (next.packet.hash !== hash) onHash(next.packet.hash);
        },
        (reason: unknown) => {
          if (!leaving.signal.aborted) setError(reason instanceof ApiError ? reason : new ApiError(String(reason), 0));
        },
      );
    };
    const unlisten = listen((frame) => {
      if (frame.type === "packet" && frame.data.hash === hash) timer ??= setTimeout(read, SETTLE);
    });
    setError(null);
    read();
    return () => {
      leaving.abort();
      clearTimeout(timer);
      unlisten();
    };
  }, [hash, attempt]);

  // Whoever came from somewhere in the page goes on here; a fresh page keeps its start.
  useEffect(() => {
    if (document.activeElement !== document.body) heading.current?.focus({ preventScroll: true });
  }, [hash]);

  const isMissing = error?.status === 404 || error?.status === 400;
  const retry = (
    <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>
      Try again
    </button>
  );

  return (
    <article class="detail" aria-labelledby="detail-title">
      <header class="detail-head">
        {shown && <TypeBadge type={shown.packet.payload_type} route={shown.packet.route_type} />}
        <h2 id="detail-title" ref={heading} tabIndex={-1}>
          <span class="unseen">Packet </span>
          <span class="mono">{shown ? shown.packet.hash : short(hash, 16)}</span>
        </h2>
        {shown && <CopyButton text={shown.packet.hash} what="hash" />}
        <button type="button" class="icon-button detail-close" title="Close (Esc)" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div class="detail-scroll" tabIndex={0} role="group" aria-labelledby="detail-title">
        {shown && error && (
          <p class="stale" role="status">
            <Icon name="warning" />
            Not refreshed: {error.message} {retry}
          </p>
        )}
        {shown && <PacketDetail answer={shown} observation={observation} onObservation={onObservation} />}
        {!shown && isMissing && (
          <Message
            icon="search"
            title="This packet is not (or no longer) stored"
            actions={
              <button type="button" class="button" onClick={onClose}>
                Back to the packets
              </button>
            }
          >
            <p>Old packets are removed after a time the operator has chosen.</p>
          </Message>
        )}
        {!shown && error && !isMissing && (
          <Message icon="warning" title={error.isLoading ? "The server is still loading" : "The packet could not be read"} actions={retry} isAlert>
            <p>{error.message}</p>
          </Message>
        )}
        {isLate && <SkeletonRows count={6} />}
      </div>
    </article>
  );
}
