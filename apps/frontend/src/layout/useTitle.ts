import { useEffect } from "react";

/** The page's title; its heading takes the focus when the route changes. */
export function useTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), "hotband"].join(" \u00b7 ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
