// The page's colours for what is drawn on a canvas, where CSS variables have no meaning.
import { useEffect, useState } from "react";

const NAMES = [
  "text",
  "muted",
  "line",
  "surface",
  "accent",
  "gain",
  "loss",
  "synthetic",
  "warn",
] as const;
export type Palette = Record<(typeof NAMES)[number], string>;

function read(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as Palette;
}

/** New whenever the theme changes. */
export function usePalette(): Palette {
  const [palette, setPalette] = useState(read);
  useEffect(() => {
    const again = () => setPalette(read());
    const media = window.matchMedia("(prefers-color-scheme: dark)");
    const seen = new MutationObserver(again);
    seen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    media.addEventListener("change", again);
    return () => {
      seen.disconnect();
      media.removeEventListener("change", again);
    };
  }, []);
  return palette;
}
