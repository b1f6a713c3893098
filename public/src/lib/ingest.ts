import type { Ingest } from "../api/types";
import { calm } from "./text";

export interface Notice {
  state: "degraded" | "failing";
  text: string;
}

/** The worst that is wrong with ingest, as a sentence; null while all is well, and while nothing is known. */
export function ingestNotice(ingest: Ingest | null): Notice | null {
  if (ingest?.state === "unknown") return { state: "failing", text: "Nothing is collected: the collecting program does not run." };
  const worst = ingest?.problems[0];
  if (!worst || (worst.state !== "degraded" && worst.state !== "failing")) return null;
  const others = (ingest?.problems.length ?? 1) - 1;
  const about = worst.source
    ? `${calm(worst.source)}: ${worst.text}`
    : `${worst.text.charAt(0).toUpperCase()}${worst.text.slice(1)}`;
  const more = others > 0 ? `, and ${others} more` : "";
  return { state: worst.state, text: `${about}${more}.` };
}
