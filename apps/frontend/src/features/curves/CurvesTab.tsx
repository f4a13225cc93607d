// The chosen cell's account over a phase, and the days out of sample.
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { curveQuery, dailyQuery, type Entry, type Of, type Phase } from "@/api/results";
import { Choice } from "@/features/instrument/Choice";
import { useSetView, useView } from "@/features/instrument/place";
import { Chip, Panel, Skeleton } from "@/features/panel/Panel";
import panel from "@/features/panel/Panel.module.css";
import { Nothing, PanelProblem } from "@/features/problem";
import { money, number, percent, share } from "@/format/numbers";
import { Drawdowns } from "./Drawdowns";
import { Figure } from "./Figure";
import { dailySeries, equitySeries } from "./series";

const PHASES = [
  ["look_back", "Look-back"],
  ["hold_out", "Hold-out"],
  ["daily", "Out-of-sample days"],
] as const;
type Shown = (typeof PHASES)[number][0];

const TROUBLE = "Curve could not be loaded. The metrics above are unaffected.";

export default function CurvesTab({ of, entry }: { of: Of; entry: Entry }) {
  const view = useView();
  const setView = useSetView();
  const phase: Shown = PHASES.find(([key]) => key === view.phase)?.[0] ?? "look_back";
  return (
    <div className={panel.stack} data-testid="curves" data-phase={phase}>
      <div className={panel.bar}>
        <Choice
          name="Phase"
          value={phase}
          choices={PHASES}
          onChoose={(next) => setView({ phase: next, zoom: undefined })}
        />
        <Sources entry={entry} phase={phase} />
      </div>
      {phase === "daily" ? <Daily of={of} /> : <Account of={of} entry={entry} phase={phase} />}
    </div>
  );
}

function Sources({ entry, phase }: { entry: Entry; phase: Shown }) {
  const source = phase === "hold_out" ? entry.judgement.hold_out?.source : entry.source;
  const words = {
    look_back: "It chose the cell, so it flatters.",
    hold_out: "It comes after the choice and judges it.",
    daily: "The hold-outs of all folds, one after another.",
  };
  return (
    <span className={panel.chips}>
      {source === "synthetic" ? <Chip tone="made">Synthetic gates</Chip> : null}
      {source === "mixed" ? <Chip tone="made">Some gates synthetic</Chip> : null}
      {entry.bars_source === "demo" ? <Chip tone="made">Simulated market</Chip> : null}
      <span className="muted">{words[phase]}</span>
    </span>
  );
}

/** "1772402580000-1772474100000" as milliseconds; null for anything else. */
function zoomOf(text: string | undefined): readonly [number, number] | null {
  const [from, to] = (text ?? "").split("-").map(Number);
  return from !== undefined && to !== undefined && from > 0 && to > from ? [from, to] : null;
}

// Outside of any component, so that a series is made once and the chart is not drawn anew.
const withEquity = (curve: Schemas["EquityCurve"]) => ({ curve, series: equitySeries(curve) });
const withDaily = (curve: Schemas["DailyCurve"]) => ({ curve, series: dailySeries(curve) });

function Account({ of, entry, phase }: { of: Of; entry: Entry; phase: Phase }) {
  const view = useView();
  const setView = useSetView();
  const query = useQuery({ ...curveQuery(of, phase), select: withEquity });
  if (query.data === undefined) {
    if (query.error === null) return <Skeleton height="high" what="Loading curve" />;
    return <PanelProblem title={TROUBLE} error={query.error} again={() => void query.refetch()} />;
  }
  const { curve, series } = query.data;
  if (curve.absent !== null || curve.points === 0) {
    return (
      <Nothing title="No trades, so there is no curve">
        <p className="muted">{curve.absent?.text ?? "The account never moved."}</p>
      </Nothing>
    );
  }
  const unit = entry.currency ?? "";
  return (
    <>
      <Panel title="Equity and drawdown" id="equity">
        <Figure
          key={phase}
          series={series}
          summary={curve.summary}
          standsFor={curve.stands_for}
          range={zoomOf(view.zoom)}
          onRange={(range) => setView({ zoom: range === null ? undefined : range.join("-") })}
          upper={{
            name: `Equity, ${unit}`,
            text: (value) => money(value, "").trim().replace("+", ""),
            tick: (value) => number(value, 7),
          }}
          lower={{ name: "Below the peak", text: (value) => share(value, 2) }}
          stepped
        />
      </Panel>
      <Drawdowns
        drawdowns={curve.drawdowns}
        currency={unit}
        onZoom={(range) => setView({ zoom: range.join("-") })}
      />
    </>
  );
}

function Daily({ of }: { of: Of }) {
  const view = useView();
  const setView = useSetView();
  const query = useQuery({ ...dailyQuery(of), select: withDaily });
  if (query.data === undefined) {
    if (query.error === null) return <Skeleton height="high" what="Loading curve" />;
    return <PanelProblem title={TROUBLE} error={query.error} again={() => void query.refetch()} />;
  }
  const { curve, series } = query.data;
  if (curve.absent !== null || curve.points === 0) {
    return (
      <Nothing title="No days out of sample">
        <p className="muted">{curve.absent?.text ?? "No fold traded."}</p>
      </Nothing>
    );
  }
  const growth = (curve.equity.at(-1) ?? 1) - 1;
  const deepest = Math.min(0, ...curve.underwater_fraction.map((value) => value ?? 0));
  const folds = new Set(curve.fold).size;
  return (
    <Panel title="Out-of-sample growth and drawdown" id="daily">
      <Figure
        series={series}
        summary={`Growth of 1 ${growth < 0 ? "fell" : "rose"} ${percent(Math.abs(100 * growth))} over ${curve.stands_for} days of ${folds} ${folds === 1 ? "fold" : "folds"}; deepest drawdown ${percent(Math.abs(100 * deepest))}.`}
        standsFor={curve.stands_for}
        range={zoomOf(view.zoom)}
        onRange={(range) => setView({ zoom: range === null ? undefined : range.join("-") })}
        upper={{
          name: "Growth of 1",
          text: (value) => (value == null ? "\u2013" : value.toFixed(4)),
        }}
        lower={{ name: "Below the peak", text: (value) => share(value, 2) }}
        days
      />
    </Panel>
  );
}
