/** The hops of a `path_json`; anything that is not a list of texts is no hop. */
export function parsePath(json: string | null | undefined): string[] {
  if (!json) return [];
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value.filter((hop): hop is string => typeof hop === "string") : [];
  } catch {
    return [];
  }
}

/** How many chips of a path fit, and whether the rest needs a pill. Sizes in pixels. */
export function fitHops(hops: readonly string[], width: number): number {
  const chip = (hop: string): number => hop.length * 7.4 + 12;
  const pill = 32;
  let used = 0;
  for (const [i, hop] of hops.entries()) {
    used += chip(hop);
    const last = i === hops.length - 1;
    if (used > (last ? width : width - pill)) return Math.max(i, 1);
  }
  return hops.length;
}
