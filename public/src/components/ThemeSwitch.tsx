import { themes, type Theme } from "../state/settings";
import { Icon } from "./Icon";

const labels: Readonly<Record<Theme, string>> = { system: "System", light: "Light", dark: "Dark" };

interface Props {
  theme: Theme;
  /** One button that goes through the themes, for the small rail. */
  isSmall?: boolean;
  onChange: (theme: Theme) => void;
}

/** System, light or dark. */
export function ThemeSwitch({ theme, isSmall = false, onChange }: Props) {
  if (isSmall) {
    const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system";
    return (
      <button
        type="button"
        class="rail-button"
        data-tip={`Theme: ${labels[theme]}`}
        aria-label={`Theme: ${labels[theme]}. Change to ${labels[next]}`}
        onClick={() => onChange(next)}
      >
        <Icon name={theme} />
      </button>
    );
  }
  return (
    <fieldset class="segments">
      <legend class="unseen">Theme</legend>
      {themes.map((name) => (
        <label key={name} class="segment" title={labels[name]}>
          <input type="radio" name="theme" checked={name === theme} onChange={() => onChange(name)} />
          <Icon name={name} />
          <span class="unseen">{labels[name]}</span>
        </label>
      ))}
    </fieldset>
  );
}
