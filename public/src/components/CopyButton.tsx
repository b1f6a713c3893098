import { useEffect, useState } from "preact/hooks";
import { copyText } from "../lib/clipboard";
import { Icon } from "./Icon";

interface Props {
  text: string;
  /** What is copied, for the label: "hash". */
  what: string;
}

/** Copies a text and says so for a moment. */
export function CopyButton({ text, what }: Props) {
  const [result, setResult] = useState<"none" | "done" | "failed">("none");
  useEffect(() => {
    if (result === "none") return;
    const timer = setTimeout(() => setResult("none"), 2000);
    return () => clearTimeout(timer);
  }, [result]);
  const label = result === "none" ? `Copy ${what}` : result === "done" ? "Copied" : "Copying is not allowed here";
  return (
    <button
      type="button"
      class="icon-button"
      title={label}
      onClick={() => void copyText(text).then((copied) => setResult(copied ? "done" : "failed"))}
    >
      <Icon name={result === "done" ? "check" : result === "failed" ? "warning" : "copy"} />
      <span class="unseen" aria-live="polite">
        {label}
      </span>
    </button>
  );
}
