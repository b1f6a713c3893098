import { useEffect, useState } from "preact/hooks";
import { BottomBar } from "./components/BottomBar";
import { MoreSheet } from "./components/MoreSheet";
import { Rail } from "./components/Rail";
import { useMedia } from "./hooks/useMedia";
import { findPage, startPath } from "./pages";
import { NotFound } from "./pages/NotFound";
import { address, addressText, navigate } from "./state/location";
import { change, settings } from "./state/settings";
import { stats } from "./state/stats";

/** The shell: navigation around the page of the address. */
export function App() {
  const isPhone = useMedia("(max-width: 639px)");
  const isWide = useMedia("(min-width: 1024px)");
  const [isMoreOpen, setMoreOpen] = useState(false);
  const { path, query } = address.value;
  const { theme, railSmall } = settings.value;
  const found = findPage(path);
  const View = found?.page.view;

  useEffect(() => {
    if (path === "/") navigate(addressText(startPath, query), { replace: true });
  }, [path, query]);

  const shared = { stats: stats.value, theme, onTheme: (next: typeof theme) => change({ theme: next }) };

  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      {!isPhone && (
        <Rail
          {...shared}
          current={found?.page.path ?? null}
          isSmall={!isWide || railSmall}
          onResize={isWide ? () => change({ railSmall: !railSmall }) : undefined}
        />
      )}
      <div class="content" id="content" tabIndex={-1}>
        {View && found ? <View entity={found.entity} /> : path !== "/" && <NotFound path={path} />}
      </div>
      {isPhone && (
        <BottomBar current={found?.page.path ?? null} isMoreOpen={isMoreOpen} onMore={() => setMoreOpen(true)} />
      )}
      {isPhone && isMoreOpen && <MoreSheet {...shared} onClose={() => setMoreOpen(false)} />}
    </div>
  );
}
