interface Rule {
  from: RegExp;
  /** The new path and parameters to add, by the groups of `from`. */
  to: (groups: readonly string[]) => { path: string; add?: Record<string, string> };
}

const segment = (text: string | undefined): string => encodeURIComponent(text ?? "");

/** Old addresses, first match wins. What is not listed keeps its path without the hash. */
const rules: readonly Rule[] = [
  { from: /^\/?$/, to: () => ({ path: "/" }) },
  { from: /^\/home$/, to: () => ({ path: "/" }) },
  { from: /^\/packets\/id\/(\d+)$/, to: ([id]) => ({ path: `/packets/${segment(id)}` }) },
  { from: /^\/packets\/(.{17,})$/, to: ([key]) => ({ path: "/packets", add: { node: key ?? "" } }) },
  { from: /^\/packets\/(.+)$/, to: ([hash]) => ({ path: `/packets/${segment(hash)}` }) },
  { from: /^\/packet\/(.+)$/, to: ([id]) => ({ path: `/packets/${segment(id)}` }) },
  { from: /^\/packets\/?$/, to: () => ({ path: "/packets" }) },
];

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address that an old `#/…` leads to, its parameters kept; `null` for a hash that is no address. */
export function rewriteHash(hash: string): string | null {
  if (!hash.startsWith("#/")) return null;
  const [rawPath = "", query = ""] = hash.slice(1).split(/\?(.*)/s);
  const params = new URLSearchParams(query);
  const path = decoded(rawPath);
  let target = rawPath;
  for (const rule of rules) {
    const match = rule.from.exec(path);
    if (!match) continue;
    const { path: to, add } = rule.to(match.slice(1));
    target = to;
    for (const [key, value] of Object.entries(add ?? {})) params.set(key, value);
    break;
  }
  const text = params.toString();
  return text ? `${target}?${text}` : target;
}
