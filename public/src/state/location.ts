import { signal } from "@preact/signals";
import { href, ownPath } from "../lib/base";
import { rewriteHash } from "../lib/legacy";

export interface Address {
  /** Path inside the application, with a leading slash. */
  path: string;
  query: URLSearchParams;
}

function current(): Address {
  return { path: ownPath(location.pathname), query: new URLSearchParams(location.search) };
}

/** Where the reader is. */
export const address = signal<Address>(current());

/** An address with its parameters, empty ones left out. */
export function addressText(path: string, query: URLSearchParams): string {
  const text = query.toString().replaceAll("%2C", ",");
  return text ? `${path}?${text}` : path;
}

export function navigate(to: string, { replace = false } = {}): void {
  history[replace ? "replaceState" : "pushState"](null, "", href(to));
  address.value = current();
}

/** Follows the browser's buttons and turns old `#/…` addresses into new ones. The result stops it. */
export function startLocation(): () => void {
  const follow = (): void => {
    const target = rewriteHash(location.hash);
    if (target !== null) navigate(target, { replace: true });
    else address.value = current();
  };
  window.addEventListener("popstate", follow);
  window.addEventListener("hashchange", follow);
  follow();
  return () => {
    window.removeEventListener("popstate", follow);
    window.removeEventListener("hashchange", follow);
  };
}
