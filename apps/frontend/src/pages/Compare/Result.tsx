// The differences of two runs, from the whole to the single instrument.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Tile } from "@/api/client";
import type { Comparison } from "@/api/pages";
import { overviewQuery } from "@/api/queries";
import { InstrumentTable, ProvenanceTable, type Same } from "@/features/compare/Changes";
import css from "@/features/compare/Compare.module.css";
import { Matrix } from "@/features/compare/Matrix";
import { nameOf, numberText } from "@/features/compare/words";
import { Notice, Panel } from "@/features/panel/Panel";
import { Nothing } from "@/features/problem";
import { count } from "@/format/numbers";
import { instant, useZone } from "@/format/time";

export function Result({ found, all, busy }: { found: Comparison; all: boolean; busy: boolean }) {
  const changed = Object.keys(found.instruments);
  const made = Object.keys(found.provenance);
  return (
    <>
      {found.comparable ? null : (
        <Notice alert>
          Not comparable: {made.map((key) => nameOf(key).toLowerCase()).join(", ")} changed. P&amp;L
          and the other numbers come from different rules.
        </Notice>
      )}
      <Spans found={found} />
      {found.same ? <Nothing title="Nothing changed between these runs" /> : null}
      {changed.length > 0 ? (
        <Panel
          title="At a glance"
          busy={busy}
          id="compare-glance"
          side={`${count(changed.length)} changed, ${count(found.unchanged)} unchanged`}
        >
          <Matrix found={found} />
        </Panel>
      ) : null}
      {made.length > 0 ? (
        <Panel title="What the runs were made of" id="compare-provenance">
          <ProvenanceTable changes={found.provenance} />
        </Panel>
      ) : null}
      {all ? <All found={found} /> : <Changed found={found} names={changed} same={{}} />}
    </>
  );
}

/** Windows, and instruments of only one of the runs. */
function Spans({ found }: { found: Comparison }) {
  const zone = useZone();
  const span = (window: Comparison["base_window"]) =>
    `${instant(window.start, zone)} to ${instant(window.end, zone)}`;
  const only = (names: readonly string[]) => names.map((name) => name.replace("_", "/")).join(", ");
  return (
    <Panel title="Windows and instruments" id="compare-spans">
      <ul className={css.list}>
        <li>
          Base{" "}
          <Link to="/" search={{ run: found.base_run_id }}>
            {found.base_run_id}
          </Link>
          : {span(found.base_window)}
        </li>
        <li>
          Head{" "}
          <Link to="/" search={{ run: found.head_run_id }}>
            {found.head_run_id}
          </Link>
          : {found.window_changed ? span(found.head_window) : "the same window"}
        </li>
        {found.only_in_base.length > 0 ? (
          <li data-only="base">Only in base, removed since: {only(found.only_in_base)}</li>
        ) : null}
        {found.only_in_head.length > 0 ? (
          <li data-only="head">Only in head, new: {only(found.only_in_head)}</li>
        ) : null}
      </ul>
    </Panel>
  );
}

function Changed(props: {
  found: Comparison;
  names: readonly string[];
  same: Record<string, readonly Same[]>;
}) {
  return (
    <div className={css.changes}>
      {props.names.map((name) => (
        <div key={name} id={`change-${name}`}>
          <Panel title={name.replace("_", "/")} id={`change-${name}`}>
            <InstrumentTable
              pair={name.replace("_", "/")}
              change={props.found.instruments[name]}
              same={props.same[name] ?? []}
            />
          </Panel>
        </div>
      ))}
    </div>
  );
}

/** With unchanged values too: they are read from the head's overview. */
function All({ found }: { found: Comparison }) {
  const head = useQuery(overviewQuery(found.head_run_id));
  if (head.error !== null && head.data === undefined) {
    return <Notice alert>Unchanged values could not be loaded.</Notice>;
  }
  const tiles = (head.data?.tiles ?? []).filter(
    (tile) => !found.only_in_head.includes(tile.instrument),
  );
  const same = Object.fromEntries(tiles.map((tile) => [tile.instrument, unchanged(found, tile)]));
  return <Changed found={found} names={tiles.map((tile) => tile.instrument)} same={same} />;
}

function unchanged(found: Comparison, tile: Tile): Same[] {
  const moved = found.instruments[tile.instrument]?.metrics ?? {};
  return Object.entries(tile.metrics)
    .filter(([name]) => !(name in moved))
    .map(([name, value]) => ({ name, text: numberText(name, value.value, value.reason) }));
}
