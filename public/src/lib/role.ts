export type Role = "repeater" | "companion" | "room" | "sensor" | "observer" | "unknown";

export const roleLetters: Readonly<Record<Role, string>> = {
  repeater: "R",
  companion: "C",
  room: "M",
  sensor: "S",
  observer: "O",
  unknown: "?",
};

export const roleNames: Readonly<Record<Role, string>> = {
  repeater: "repeater",
  companion: "companion",
  room: "room server",
  sensor: "sensor",
  observer: "observer",
  unknown: "node without a role",
};

/** The role an advert's flags name. */
export function roleOfFlags(flags: unknown): Role {
  if (typeof flags !== "object" || flags === null) return "unknown";
  const has = (key: string): boolean => (flags as Record<string, unknown>)[key] === true;
  if (has("repeater")) return "repeater";
  if (has("room")) return "room";
  if (has("sensor")) return "sensor";
  if (has("chat")) return "companion";
  return "unknown";
}
