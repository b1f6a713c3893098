import { useEffect, useState } from "preact/hooks";

const USUAL = 16;

function current(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL || 1;
}

/** How much larger than usual the reader has set the text: 1.3 for 130 %. */
export function useTextScale(): number {
  const [scale, setScale] = useState(current);
  useEffect(() => {
    const probe = document.createElement("span");
    probe.className = "text-probe";
    document.body.append(probe);
    const observer = new ResizeObserver(() => setScale(current()));
    observer.observe(probe);
    return () => {
      observer.disconnect();
      probe.remove();
    };
  }, []);
  return scale;
}
