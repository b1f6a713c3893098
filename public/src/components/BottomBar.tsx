import { pages } from "../pages";
import { Icon } from "./Icon";
import { Link } from "./Link";

interface Props {
  current: string | null;
  isMoreOpen: boolean;
  onMore: () => void;
}

/** Navigation of phones. */
export function BottomBar({ current, isMoreOpen, onMore }: Props) {
  return (
    <nav class="bottom-bar" aria-label="Pages">
      {pages
        .filter((page) => page.isInBar)
        .map(({ path, title, icon }) => (
          <Link key={path} to={path} class="bar-item" current={path === current}>
            <Icon name={icon} />
            <span>{title}</span>
          </Link>
        ))}
      <button type="button" class="bar-item" aria-haspopup="dialog" aria-expanded={isMoreOpen} onClick={onMore}>
        <Icon name="more" />
        <span>More</span>
      </button>
    </nav>
  );
}
