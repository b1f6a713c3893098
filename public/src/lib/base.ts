/** The folder the application is served from, with its trailing slash: `/` or `/mesh/`. */
export const basePath: string = new URL(
  document.querySelector("base")?.getAttribute("href") ?? import.meta.env.BASE_URL,
  location.origin,
).pathname;

/** An address of this application (`/packets`) as the browser needs it. */
export function href(path: string): string {
  return basePath + path.replace(/^\//, "");
}

/** The part of a browser path that belongs to this application, with a leading slash. */
export function ownPath(pathname: string): string {
  return pathname.startsWith(basePath) ? `/${pathname.slice(basePath.length)}` : pathname;
}
