// What differs of one instrument, or of the two runs: base beside head, with the change in words.
import { useState } from "react";
import type { Comparison } from "@/api/pages";
import { TableRegion } from "@/features/panel/Panel";
import { count } from "@/format/numbers";
import css from "./Compare.module.css";
import { Moved } from "./Moved";
import { type Line, type Part, partsOf } from "./order";
import { bare, type InstrumentChange, nameOf, numberText, plainText } from "./words";

export interface Same {
  name: string;
  text: string;
}

export function InstrumentTable(props: {
  pair: string;
  change: InstrumentChange | undefined;
  same: readonly Same[];
}) {
  const [full, show] = useState(false);
  const parts = partsOf(props.change, props.same);
  const further = parts.reduce((sum, part) => sum + part.further.length, 0);
  return (
    <>
      <TableRegion label={`Changes of ${props.pair}`}>
        <table className={`${css.table} ${css.pairs}`}>
          <Head />
          {parts.map((part) => (
            <PartRows key={part.name} part={part} full={full} />
          ))}
        </table>
      </TableRegion>
      {further === 0 ? null : (
        <p>
          <button type="button" aria-expanded={full} onClick={() => show(!full)}>
            {full ? "Headlines only" : `Show ${count(further)} further values`}
          </button>
        </p>
      )}
    </>
  );
}

function PartRows({ part, full }: { part: Part; full: boolean }) {
  const lines = full ? [...part.lines, ...part.further] : part.lines;
  if (lines.length === 0) return null;
  return (
    <tbody>
      <tr className={css.part}>
        <th scope="rowgroup" colSpan={4}>
          {part.name}
        </th>
      </tr>
      {lines.map((line) => (
        <Row key={`${line.kind}:${line.key}`} line={line} />
      ))}
    </tbody>
  );
}

export function ProvenanceTable({ changes }: { changes: Comparison["provenance"] }) {
  return (
    <TableRegion label="Profile, grid, code and seed of both runs">
      <table className={css.table}>
        <Head />
        <tbody>
          {Object.entries(changes).map(([key, { base, head }]) => (
            <Row key={key} line={{ kind: "plain", key, base, head }} />
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}

function Head() {
  return (
    <thead>
      <tr>
        <th scope="col">What</th>
        <th scope="col" className="number">
          Base
        </th>
        <th scope="col" className="number">
          Head
        </th>
        <th scope="col">Change</th>
      </tr>
    </thead>
  );
}

function Row({ line }: { line: Line }) {
  const name = nameOf(bare(line.key));
  switch (line.kind) {
    case "made":
      return (
        <tr data-change={line.key}>
          <th scope="row">{name}</th>
          <td colSpan={3}>Other content than in the base run</td>
        </tr>
      );
    case "same":
      return (
        <tr data-same={line.key}>
          <th scope="row">{name}</th>
          <td className="number">{line.text}</td>
          <td className="number">{line.text}</td>
          <td className="muted">= unchanged</td>
        </tr>
      );
    case "number": {
      const { base, head, delta, base_reason, head_reason } = line.found;
      return (
        <tr data-change={line.key}>
          <th scope="row">{name}</th>
          <td className="number">{numberText(line.key, base, base_reason)}</td>
          <td className="number">{numberText(line.key, head, head_reason)}</td>
          <td>
            <Moved name={line.key} moved={delta} />
          </td>
        </tr>
      );
    }
    case "plain": {
      const { base, head } = line;
      const moved = typeof base === "number" && typeof head === "number" ? head - base : null;
      return (
        <tr data-change={line.key}>
          <th scope="row">{name}</th>
          <td className="number">{plainText(line.key, base)}</td>
          <td className="number">{plainText(line.key, head)}</td>
          <td>{moved === null ? "Changed" : <Moved name={line.key} moved={moved} />}</td>
        </tr>
      );
    }
  }
}
