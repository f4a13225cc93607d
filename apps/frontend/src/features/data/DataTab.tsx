// What the result was made of: coverage, bars, and the hashes that name the inputs.
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { candlesQuery, type Entry, type Of, provenanceQuery } from "@/api/results";
import { Ribbon } from "@/features/coverage/Ribbon";
import { Chip, type Fact, Facts, Panel, Skeleton } from "@/features/panel/Panel";
import panel from "@/features/panel/Panel.module.css";
import { PanelProblem } from "@/features/problem";
import { count, duration, number, share } from "@/format/numbers";
import { instant, useZone } from "@/format/time";
import { sentence } from "@/format/words";

export default function DataTab({ of, entry }: { of: Of; entry: Entry }) {
  const { judgement } = entry;
  const after = judgement.hold_out;
  return (
    <div className={panel.columns} data-testid="data">
      <Coverage
        title="Look-back"
        window={judgement.look_back}
        coverage={entry.gate_coverage}
        source={entry.source}
      />
      {after === null ? (
        <Panel title="Hold-out">
          <p className="muted">{judgement.hold_out_reason ?? "There is no hold-out."}</p>
        </Panel>
      ) : (
        <Coverage
          title="Hold-out"
          window={after.window}
          coverage={after.gate_coverage}
          source={after.source}
        />
      )}
      <Bars of={of} entry={entry} />
      <Hashes of={of} />
      <Notes notes={[...new Set([...entry.notes, ...(after?.notes ?? [])])]} />
    </div>
  );
}

function Coverage(props: {
  title: string;
  window: Schemas["Window"];
  coverage: Schemas["Coverage"];
  source: string;
}) {
  const zone = useZone();
  const { coverage } = props;
  const none = coverage.minutes - coverage.real_minutes - coverage.synthetic_minutes;
  const facts: Fact[] = [
    ["Window", `${instant(props.window.start, zone)} to ${instant(props.window.end, zone)}`],
    ["Minutes with bars", count(coverage.minutes)],
    ["With a recorded gate", count(coverage.real_minutes)],
    ["With a synthetic gate", count(coverage.synthetic_minutes)],
    ["Without a gate", count(Math.max(0, none))],
    ["Longest stretch without a gate", duration(60 * coverage.longest_gap_minutes)],
    [
      "Real share of the gated minutes",
      coverage.real_fraction === null ? "n/a \u2013 no gates" : share(coverage.real_fraction),
    ],
    ["Gates from", props.source],
  ];
  const regimes = Object.entries(coverage.regimes).sort((a, b) => b[1] - a[1]);
  return (
    <Panel title={props.title} id="coverage">
      <Ribbon coverage={coverage} />
      <Facts facts={facts} />
      {regimes.length === 0 ? null : (
        <p className="muted">
          Gates by regime:{" "}
          {regimes.map(([name, gates]) => `${regimeName(name)} ${count(gates)}`).join(", ")}
        </p>
      )}
    </Panel>
  );
}

const regimeName = (name: string) => (name === "missing" ? "none given" : sentence(name));

function Bars({ of, entry }: { of: Of; entry: Entry }) {
  const zone = useZone();
  const query = useQuery(candlesQuery(of, { phase: "look_back", max_points: 16 }));
  const found = query.data;
  const source = entry.bars_source === "demo" ? "demo (simulated market)" : entry.bars_source;
  return (
    <Panel title="Bars" id="bars" side={found === undefined ? null : <Changed bars={found} />}>
      {found === undefined ? (
        query.error === null ? (
          <Skeleton height="low" what="Loading bars" />
        ) : (
          <PanelProblem
            title="What the store says of the bars could not be loaded."
            error={query.error}
            again={() => void query.refetch()}
          />
        )
      ) : (
        <Facts
          facts={[
            ["Bars of the run from", source],
            [
              "Held now",
              found.absent?.text ?? `${count(found.stands_for)} ${found.granularity} bars`,
            ],
            ["Of", `${instant(found.start, zone)} to ${instant(found.end, zone)}`],
            ["Held from", found.source ?? "\u2013"],
            ["Sides", found.side_origin === "ba" ? "bid and ask" : (found.side_origin ?? "\u2013")],
          ]}
        />
      )}
    </Panel>
  );
}

function Changed({ bars }: { bars: Schemas["Candles"] }) {
  if (bars.bars_changed === null) return <Chip>Not known whether they changed</Chip>;
  return bars.bars_changed ? (
    <Chip tone="warn">Changed since the run</Chip>
  ) : (
    <Chip tone="good">As in the run</Chip>
  );
}

function Hashes({ of }: { of: Of }) {
  const query = useQuery(provenanceQuery(of.run));
  const found = query.data;
  const hash = (text: string | null | undefined, none: string) =>
    text == null ? <span className="muted">{none}</span> : <code>{text}</code>;
  return (
    <Panel title="What the inputs were" id="hashes">
      {found === undefined ? (
        query.error === null ? (
          <Skeleton height="low" what="Loading hashes" />
        ) : (
          <PanelProblem
            title="The hashes could not be loaded."
            error={query.error}
            again={() => void query.refetch()}
          />
        )
      ) : (
        <Facts
          facts={[
            ["Bars", hash(found.bars[of.symbol], "none")],
            ["Gates", hash(found.gates[of.symbol]?.sha256, "none recorded: they were derived")],
            ["Profile", hash(found.profile, "none")],
            ["Grid", hash(found.grid, "none")],
            ["Code", hash(found.code_version, "none")],
            ["Seed", number(found.seed, 15)],
          ]}
        />
      )}
    </Panel>
  );
}

function Notes({ notes }: { notes: string[] }) {
  return (
    <Panel title="Notes" wide>
      {notes.length === 0 ? <p className="muted">None.</p> : null}
      <ul className={panel.list}>
        {notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </Panel>
  );
}
