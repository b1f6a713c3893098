/** What lies under a key, as JSON; `null` when there is nothing, or nothing that can be read. */
export function load(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/** Writes JSON under a key. A blocked or full storage changes nothing but the next start. */
export function save(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Everything works without it.
  }
}
