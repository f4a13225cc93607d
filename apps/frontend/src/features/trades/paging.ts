// When the next page is wanted, and what a click on a header asks for.

/** So many rows before the end of what is loaded, the next page is asked for. */
export const AHEAD = 40;

export const wantsMore = (lastShown: number, loaded: number, total: number): boolean =>
  loaded < total && lastShown + AHEAD >= loaded;

/** Descending first, then ascending, then as the file has them. */
export function nextSort(column: string, sort: string | undefined): string | undefined {
  if (sort === `-${column}`) return column;
  return sort === column ? undefined : `-${column}`;
}

export const ariaSort = (column: string, sort: string | undefined) =>
  sort === column ? "ascending" : sort === `-${column}` ? "descending" : "none";
