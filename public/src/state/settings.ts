import { effect, signal } from "@preact/signals";
import { load, save } from "../lib/storage";

const KEY = "corescope.settings";
const OLD_THEME = "meshcore-theme";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

export interface Settings {
  v: 1;
  theme: Theme;
  /** The rail shows icons only (wide screens). */
  railSmall: boolean;
  /** Width of the docked detail in pixels; `null` until somebody has moved it. */
  dock: number | null;
}

/** Settings from what was stored: every value is checked, what does not fit is the default. */
export function settingsOf(stored: unknown, oldTheme: unknown): Settings {
  const known = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
  const theme = themes.find((name) => name === (known["theme"] ?? oldTheme)) ?? "system";
  const dock = known["dock"];
  return {
    v: 1,
    theme,
    railSmall: known["railSmall"] === true,
    dock: typeof dock === "number" && dock >= 360 && dock <= 720 ? Math.round(dock) : null,
  };
}

function stored(): Settings {
  let oldTheme: unknown = null;
  try {
    oldTheme = localStorage.getItem(OLD_THEME);
  } catch {
    // Blocked storage.
  }
  return settingsOf(load(KEY), oldTheme);
}

/** What this person has set, in this browser. */
export const settings = signal<Settings>(stored());

export function change(part: Partial<Settings>): void {
  settings.value = { ...settings.value, ...part };
  save(KEY, settings.value);
}

/** Keeps the document and the other tabs in step with the settings. The result stops it. */
export function startSettings(): () => void {
  const stop = effect(() => {
    const { theme } = settings.value;
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  });
  const follow = (event: StorageEvent): void => {
    if (event.key === KEY || event.key === null) settings.value = stored();
  };
  window.addEventListener("storage", follow);
  return () => {
    stop();
    window.removeEventListener("storage", follow);
  };
}
