// The page's colours for what is drawn on a canvas, where CSS variables have no meaning.
import { useEffect, useState } from "react";

const NAMES = [
  "text",
  "muted",
  "grid",
  "surface",
  "accent",
  "gain",
  "loss",
  "synthetic",
  "warn",
] as const;
export type Palette = Record<(typeof NAMES)[number], string>;

/** As an element of the page has them: a variable's own text may be a choice of two colours. */
function read(): Palette {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.setProperty("forced-color-adjust", "none");
  document.body.append(probe);
  const found = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color] as const;
  });
  probe.remove();
  return Object.fromEntries(found) as Palette;
}

const MEDIA = ["(prefers-color-scheme: dark)", "(forced-colors: active)"];

/** New whenever the theme changes, or the system forces its colours. */
export function usePalette(): Palette {
  const [palette, setPalette] = useState(read);
  useEffect(() => {
    const again = () => setPalette(read());
    const media = MEDIA.map((query) => window.matchMedia(query));
    const seen = new MutationObserver(again);
    seen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    for (const each of media) each.addEventListener("change", again);
    return () => {
      seen.disconnect();
      for (const each of media) each.removeEventListener("change", again);
    };
  }, []);
  return palette;
}
