import type { ComponentChildren } from "preact";
import type { LiveState } from "../api/live";
import { ingest } from "../state/stats";
import { Connection } from "./Connection";
import { Icon } from "./Icon";
import { IngestNotice } from "./IngestNotice";

interface Props {
  title: ComponentChildren;
  /** What is open on the page, behind the title. */
  crumb?: ComponentChildren;
  connection: LiveState;
  /** Leads back to the page, where what is open covers it. */
  onBack?: (() => void) | undefined;
}

/** The strip above every page: where you are, and whether it is live. */
export function TopStrip({ title, crumb, connection, onBack }: Props) {
  return (
    <>
      <header class="strip">
        {onBack && (
          <button type="button" class="icon-button" title="Back to the list" aria-label="Back to the list" onClick={onBack}>
            <Icon name="back" />
          </button>
        )}
        <h1>{title}</h1>
        {crumb && (
          <p class="crumb">
            <span class="crumb-mark" aria-hidden="true">
              ›
            </span>
            {crumb}
          </p>
        )}
        <Connection state={connection} />
      </header>
      <IngestNotice ingest={ingest.value} />
    </>
  );
}
