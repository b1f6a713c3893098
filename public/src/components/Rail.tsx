import type { Stats } from "../api/types";
import { groups, pages } from "../pages";
import type { Theme } from "../state/settings";
import { BrandMark } from "./BrandMark";
import { Icon } from "./Icon";
import { Link } from "./Link";
import { ServerFacts } from "./ServerFacts";
import { ThemeSwitch } from "./ThemeSwitch";

interface Props {
  /** Path of the page that is shown. */
  current: string | null;
  isSmall: boolean;
  stats: Stats | null;
  theme: Theme;
  onTheme: (theme: Theme) => void;
  /** Absent where there is no room for the wide rail. */
  onResize?: (() => void) | undefined;
}

/** Navigation of wide screens. */
export function Rail({ current, isSmall, stats, theme, onTheme, onResize }: Props) {
  const resizeLabel = isSmall ? "Show the names" : "Show icons only";
  return (
    <nav class={isSmall ? "rail rail-small" : "rail"} aria-label="Pages">
      <Link to="/" class="brand" title="CoreScope">
        <BrandMark />
        <span class="rail-text">CoreScope</span>
      </Link>
      <div class="rail-pages">
        {groups.map((group) => (
          <div key={group} class="rail-group">
            <p class="rail-heading" id={`rail-${group}`}>
              {group}
            </p>
            <ul aria-labelledby={`rail-${group}`}>
              {pages
                .filter((page) => page.group === group)
                .map(({ path, title, icon }) => (
                  <li key={path} data-tip={title}>
                    <Link to={path} class="rail-link" current={path === current}>
                      <Icon name={icon} />
                      <span class="rail-text">{title}</span>
                    </Link>
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </div>
      <div class="rail-foot">
        {!isSmall && <ServerFacts stats={stats} />}
        <div class="rail-tools">
          <ThemeSwitch theme={theme} isSmall={isSmall} onChange={onTheme} />
          {onResize && (
            <button type="button" class="rail-button" data-tip={resizeLabel} aria-label={resizeLabel} onClick={onResize}>
              <Icon name={isSmall ? "wide" : "narrow"} />
            </button>
          )}
        </div>
      </div>
    </nav>
  );
}
