// The parts of an instrument's changes in the order of the page: the headline of each comes first.
import { bare, type InstrumentChange, type NumberChange, type Plain } from "./words";

const HEADLINES = [
  "score",
  "sharpe",
  "sortino",
  "pnl",
  "return_pct",
  "profit_factor",
  "win_rate",
  "max_dd_pct",
  "max_dd",
  "trades",
];

export type Line =
  | { kind: "plain"; key: string; base: Plain; head: Plain }
  | { kind: "number"; key: string; found: NumberChange }
  | { kind: "made"; key: string }
  | { kind: "same"; key: string; text: string };

export interface Part {
  name: string;
  lines: Line[];
  /** What is shown only on demand. */
  further: Line[];
}

const place = (key: string) => {
  const at = HEADLINES.indexOf(bare(key));
  return at < 0 ? HEADLINES.length : at;
};
const keyed = (a: Line, b: Line) => place(a.key) - place(b.key) || (a.key < b.key ? -1 : 1);

export function partsOf(
  change: InstrumentChange | undefined,
  same: readonly { name: string; text: string }[],
): Part[] {
  const plain = (found: Record<string, { base: Plain; head: Plain }> | undefined): Line[] =>
    Object.entries(found ?? {}).map(([key, { base, head }]) => ({
      kind: "plain",
      key,
      base,
      head,
    }));
  const numbers: Line[] = Object.entries(change?.metrics ?? {})
    .map(([key, found]): Line => ({ kind: "number", key, found }))
    .concat(same.map(({ name, text }): Line => ({ kind: "same", key: name, text })))
    .sort(keyed);
  const made: Line[] = (change?.made_of ?? []).map((key) => ({ kind: "made", key }));
  const held = (line: Line) => line.key.startsWith("hold_out_");
  const split = (name: string, lines: Line[]): Part => ({
    name,
    lines: lines.filter((line) => HEADLINES.includes(bare(line.key))),
    further: lines.filter((line) => !HEADLINES.includes(bare(line.key))),
  });
  return [
    { name: "Decision and inputs", lines: [...plain(change?.facts), ...made], further: [] },
    { name: "Parameters of the chosen cell", lines: plain(change?.params), further: [] },
    split(
      "Look-back",
      numbers.filter((line) => !held(line)),
    ),
    split("Hold-out", numbers.filter(held)),
  ].filter((part) => part.lines.length + part.further.length > 0);
}
