import { Fragment } from "preact";
import type { Part } from "../lib/summary";
import { RoleShape } from "./RoleShape";

function Piece({ part }: { part: Part }) {
  switch (part.kind) {
    case "text":
      return <span>{part.text}</span>;
    case "muted":
      return <span class="muted">{part.text}</span>;
    case "warning":
      return <span class="warning-text">{part.text}</span>;
    case "name":
      return <bdi class="name">{part.text}</bdi>;
    case "sender":
      return (
        <>
          <bdi class="sender">{part.text}</bdi>
          <span class="muted">:</span>
        </>
      );
    case "said":
      return <bdi class="said">{part.text}</bdi>;
    case "channel":
      return <bdi class="tag family-channel">{part.text}</bdi>;
    case "hex":
      return <span class="mono">{part.text}</span>;
    case "role":
      return <RoleShape role={part.role} isLabelled />;
  }
}

interface Props {
  parts: readonly Part[];
}

/** Pieces of a sentence, each in its own look; a space between them. */
export function Parts({ parts }: Props) {
  return (
    <>
      {parts.map((part, i) => (
        <Fragment key={i}>
          {i > 0 && " "}
          <Piece part={part} />
        </Fragment>
      ))}
    </>
  );
}
