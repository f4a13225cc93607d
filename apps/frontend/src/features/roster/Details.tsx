// What a decision rests on: the week's result, the evidence so far, and decay.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Decided } from "@/api/pages";
import { count, number, percent, ratio, share } from "@/format/numbers";
import css from "./Evidence.module.css";
import { EvidenceWeeks } from "./EvidenceWeeks";

const DATA: Record<Decided["result"]["data"], string> = {
  ok: "Complete",
  no_data: "No data",
  data_gap: "Has a gap",
  synthetic_only: "Synthetic gates only",
};

export function Details(props: {
  name: string;
  entry: Decided;
  week: string;
  weeks: readonly string[];
}) {
  const { entry } = props;
  return (
    <div className={css.details}>
      <Facts title="The week" facts={weekFacts(entry)} />
      <Facts title="Evidence" facts={evidenceFacts(entry)} />
      <Facts title="Decay" facts={decayFacts(entry)} />
      <div className={css.wide}>
        <EvidenceWeeks name={props.name} week={props.week} weeks={props.weeks} />
      </div>
      <p className="muted">
        Decided on run{" "}
        <Link to="/" search={{ run: entry.run_id }}>
          <code>{entry.run_id}</code>
        </Link>
        {entry.after.counted_through === null
          ? ""
          : ` \u00b7 returns counted through ${entry.after.counted_through}`}
        {entry.notes.map((note) => ` \u00b7 ${note}`)}
      </p>
    </div>
  );
}

type Fact = readonly [string, ReactNode];

function weekFacts({ result, decision }: Decided): Fact[] {
  const next = decision.rule.next_cell;
  const gates =
    result.gates_passed === null
      ? "Not run"
      : result.gates_passed
        ? "Passed"
        : `Failed first at ${result.first_failed_gate ?? "an unnamed gate"}`;
  return [
    [
      "Data",
      DATA[result.data === "ok" && result.real_fraction === 0 ? "synthetic_only" : result.data],
    ],
    ["Real gates", share(result.real_fraction)],
    ["Trades", count(result.trades)],
    ["Sharpe", result.sharpe === null ? "n/a \u2013 undefined" : ratio(result.sharpe)],
    [
      "Profit factor",
      result.profit_factor === null
        ? "n/a \u2013 no trades or no loss"
        : ratio(result.profit_factor),
    ],
    ["Net", share(result.net, 2)],
    ["Promotion gates", gates],
    [
      "Cell",
      result.cell === null
        ? "Not known"
        : `hazard ${result.cell.hazard_x === null ? "without cap" : `${number(result.cell.hazard_x)}\u00d7`}, ${count(result.cell.min_reps)} repetitions`,
    ],
    ...(next === null || next === undefined
      ? []
      : [
          [
            "Next cell",
            `${next.axis} ${number(next.before)} \u2192 ${number(next.after)}${next.on_axis ? "" : ", not on the grid"}`,
          ] as const,
        ]),
  ];
}

function evidenceFacts({ decision }: Decided): Fact[] {
  const found = decision.evidence;
  return [
    ["e-value", `${number(found.wealth)}, needs ${number(found.threshold)}`],
    ["Greatest so far", number(found.peak)],
    ["p-value", number(found.p_value, 3)],
    ["Days counted", count(found.days)],
    [
      "Loss limit",
      found.ruined_on === null ? "Not broken" : `Broken on day ${count(found.ruined_on)}`,
    ],
  ];
}

function decayFacts({ decision, after, result }: Decided): Fact[] {
  const found = decision.evidence;
  const promise = after.state.promise ?? result.promise;
  const against = (value: number | null | undefined, limit: number | null | undefined) =>
    value == null ? "At rest" : `${number(value, 3)}, alarm at ${number(limit, 3)}`;
  return [
    ["CUSUM", against(found.cusum, found.cusum_threshold)],
    ["e-detector", against(found.detector, found.detector_threshold)],
    [
      "Promise",
      promise == null
        ? "None made"
        : `${percent(100 * promise.weekly_mean, 2)} a week, deviation ${percent(100 * promise.weekly_sd, 2)}`,
    ],
  ];
}

function Facts({ title, facts }: { title: string; facts: readonly Fact[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className={css.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
