const shapes = {
  packets: "M3 5.5h14M3 10h14M3 14.5h9M15 14.5h2",
  more: "M4 10h.01M10 10h.01M16 10h.01",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4.5v11l9-5.5z",
  close: "M5 5l10 10M15 5L5 15",
  back: "M12 4.5L6.5 10l5.5 5.5",
  up: "M10 16V4.5M5 9.5l5-5 5 5",
  copy: "M7.5 7.5h9v9h-9zM4.5 12.5h-1v-9h9v1",
  check: "M4 10.5l4 4 8-9",
  warning: "M10 3L2.5 16.5h15zM10 8v4M10 14.4v.1",
  info: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 9v5M10 6v.1",
  system: "M3 4h14v9.5H3zM7 17h6M10 13.5V17",
  light:
    "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  dark: "M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3z",
  narrow: "M3.5 3.5h13v13h-13zM8 3.5v13M13.5 8L11.5 10l2 2",
  wide: "M3.5 3.5h13v13h-13zM8 3.5v13M11.5 8l2 2-2 2",
  antenna: "M10 9.5V17M10 9.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM6.5 11.5a5 5 0 0 1 0-7M13.5 4.5a5 5 0 0 1 0 7M4 14a8.5 8.5 0 0 1 0-12M16 2a8.5 8.5 0 0 1 0 12",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4",
} as const;

export type IconName = keyof typeof shapes;

interface Props {
  name: IconName;
}

/** One icon of the set: 20 px grid, 1.5 px stroke. It never speaks; its button does. */
export function Icon({ name }: Props) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  );
}
