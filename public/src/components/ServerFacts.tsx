import type { Stats } from "../api/types";
import { count, MISSING } from "../lib/format";

interface Props {
  stats: Stats | null;
}

/** What the server knows, in four numbers. Keeps its room while they are not known. */
export function ServerFacts({ stats }: Props) {
  const number = (value: number | undefined): string => (value === undefined ? MISSING : count(value));
  return (
    <dl class="facts-small">
      <div>
        <dt>Nodes</dt>
        <dd>{number(stats?.totalNodes)}</dd>
      </div>
      <div>
        <dt>Observers</dt>
        <dd>{number(stats?.totalObservers)}</dd>
      </div>
      <div>
        <dt>Packets</dt>
        <dd>{number(stats?.totalTransmissions)}</dd>
      </div>
      <div>
        <dt>Version</dt>
        <dd>{stats?.version || MISSING}</dd>
      </div>
    </dl>
  );
}
