import type { ComponentType } from "preact";
import type { IconName } from "./components/Icon";
import { Packets } from "./pages/Packets";

/** What a page is told by its address. */
export interface PageProps {
  /** The segment behind the page's path: `/packets/<entity>`. */
  entity: string | null;
}

export interface Page {
  path: string;
  title: string;
  group: (typeof groups)[number];
  icon: IconName;
  /** Has a place in the bottom bar of phones. */
  isInBar: boolean;
  view: ComponentType<PageProps>;
}

export const groups = ["Watch"] as const;

/** Every page there is; rail, bottom bar and router read this table. */
export const pages: readonly Page[] = [
  { path: "/packets", title: "Packets", group: "Watch", icon: "packets", isInBar: true, view: Packets },
];

/** Where `/` leads. */
export const startPath = "/packets";

/** The page of an address and the entity it names; `null` when there is none. */
export function findPage(path: string): { page: Page; entity: string | null } | null {
  const [, first = "", second = "", ...rest] = path.split("/");
  const page = pages.find((one) => one.path === `/${first}`);
  if (!page || rest.some((segment) => segment !== "")) return null;
  try {
    return { page, entity: decodeURIComponent(second) || null };
  } catch {
    return null;
  }
}
