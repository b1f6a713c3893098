import { roleNames, type Role } from "../lib/role";

const shapes: Readonly<Record<Role, string>> = {
  repeater: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z",
  companion: "M2.8 2.8h10.4v10.4H2.8z",
  room: "M8 1.8l6.2 5.2v7H1.8V7z",
  sensor: "M8 1.8l6.6 12H1.4z",
  observer: "M8 1.2L14.8 8 8 14.8 1.2 8z",
  unknown: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z",
};

interface Props {
  role: Role;
  /** Says the role; without it the shape only decorates words that do. */
  isLabelled?: boolean;
}

/** The one shape and colour of a role. */
export function RoleShape({ role, isLabelled = false }: Props) {
  const says = isLabelled ? { role: "img" as const, "aria-label": roleNames[role] } : { "aria-hidden": true as const };
  return (
    <svg class={`role role-${role}`} viewBox="0 0 16 16" width="12" height="12" {...says}>
      {isLabelled && <title>{roleNames[role]}</title>}
      <path d={shapes[role]} />
    </svg>
  );
}
