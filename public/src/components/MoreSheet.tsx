import type { Stats } from "../api/types";
import type { Theme } from "../state/settings";
import { BrandMark } from "./BrandMark";
import { Icon } from "./Icon";
import { Modal } from "./Modal";
import { ServerFacts } from "./ServerFacts";
import { ThemeSwitch } from "./ThemeSwitch";

interface Props {
  stats: Stats | null;
  theme: Theme;
  onTheme: (theme: Theme) => void;
  onClose: () => void;
}

/** What has no place in the bottom bar of a phone. */
export function MoreSheet({ stats, theme, onTheme, onClose }: Props) {
  return (
    <Modal class="sheet" labelledBy="more-title" onClose={onClose}>
      <div class="sheet-body">
        <header class="sheet-head">
          <h2 id="more-title">More</h2>
          <button type="button" class="icon-button" title="Close" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        <section>
          <h3>Theme</h3>
          <ThemeSwitch theme={theme} onChange={onTheme} />
        </section>
        <section>
          <h3>This server</h3>
          <ServerFacts stats={stats} />
        </section>
        <section class="about">
          <BrandMark />
          <p>CoreScope shows what a MeshCore radio mesh says: every packet, who heard it and which way it came.</p>
        </section>
      </div>
    </Modal>
  );
}
