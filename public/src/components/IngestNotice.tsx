import type { Ingest } from "../api/types";
import { ingestNotice } from "../lib/ingest";
import { Icon } from "./Icon";

interface Props {
  ingest: Ingest | null;
}

/** Says that packets may be missing, and why. Nothing while all is well. */
export function IngestNotice({ ingest }: Props) {
  const notice = ingestNotice(ingest);
  return (
    <div role="status">
      {notice && (
        <p class={`notice notice-${notice.state}`}>
          <Icon name="warning" />
          <span>{notice.text}</span>
        </p>
      )}
    </div>
  );
}
