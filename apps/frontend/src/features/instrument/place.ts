// The instrument page's view state: all of it is in the address.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { defined } from "@/defined";

const FROM = "/instruments/$symbol";

export const useView = () => useSearch({ from: FROM });
export type View = ReturnType<typeof useView>;

/** What stays where the rest of the view goes: the week or run that is shown. */
export const runOf = ({ week, run }: { week?: string | undefined; run?: string | undefined }) =>
  defined({ week, run });

/** Sets some of the view; undefined takes a part out. Going back undoes tabs, not each turn. */
export function useSetView() {
  const navigate = useNavigate({ from: FROM });
  return (next: { [K in keyof View]?: View[K] | undefined }) =>
    void navigate({
      search: (old) => ({ ...old, ...next }) as View,
      replace: true,
      resetScroll: false,
    });
}
