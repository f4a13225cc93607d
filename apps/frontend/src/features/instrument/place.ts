// The instrument page's view state: all of it is in the address.
import { useNavigate, useSearch } from "@tanstack/react-router";

const FROM = "/instruments/$symbol";

export const useView = () => useSearch({ from: FROM });
export type View = ReturnType<typeof useView>;

/** Sets some of the view; undefined takes a part out. Going back undoes tabs, not each turn. */
export function useSetView() {
  const navigate = useNavigate({ from: FROM });
  return (next: { [K in keyof View]?: View[K] | undefined }, push = false) =>
    void navigate({
      search: (old) => ({ ...old, ...next }) as View,
      replace: !push,
      resetScroll: false,
    });
}
