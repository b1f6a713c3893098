import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./Icon";

interface Props {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  /** Buttons and links that lead on. */
  actions?: ComponentChildren;
  /** Spoken at once: something went wrong. */
  isAlert?: boolean;
}

/** Stands where there is nothing to show, and says why. */
export function Message({ icon, title, children, actions, isAlert = false }: Props) {
  return (
    <div class="message" role={isAlert ? "alert" : "status"}>
      <span class="message-icon">
        <Icon name={icon} />
      </span>
      <p class="message-title">{title}</p>
      {children}
      {actions && <div class="message-actions">{actions}</div>}
    </div>
  );
}
