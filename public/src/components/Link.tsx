import type { ComponentChildren } from "preact";
import { href } from "../lib/base";
import { navigate } from "../state/location";

interface Props {
  to: string;
  class?: string;
  title?: string;
  current?: boolean;
  children: ComponentChildren;
}

/** A link inside the application: opens in place, in a new tab when that is asked for. */
export function Link({ to, current = false, children, ...rest }: Props) {
  return (
    <a
      {...rest}
      href={href(to)}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}
