// Who it is, what was decided on it and why, and what to know before reading further.
import { Link } from "@tanstack/react-router";
import type { Entry, InstrumentReply } from "@/api/results";
import { interval, Metric } from "@/features/metric";
import { Decision } from "@/features/panel/Decision";
import { Chip, type Fact, Facts } from "@/features/panel/Panel";
import { ParityChip } from "@/features/parity/ParityChip";
import { ratio } from "@/format/numbers";
import css from "./Instrument.module.css";
import { paramFacts } from "./params";

export function Header({ reply, week }: { reply: InstrumentReply; week: string | undefined }) {
  const { entry, roster } = reply;
  return (
    <section className={css.head} aria-label="The result at a glance" data-testid="head">
      <div className={css.pair}>
        <Decision verdict={roster} />
        <Why reply={reply} />
        <span className={`muted ${css.run}`}>
          {week === undefined ? null : `${week} \u00b7 `}run <code>{reply.run_id}</code>
        </span>
      </div>
      {entry.state === "completed" ? (
        <>
          <Completed entry={entry} />
          <p>
            <ParityChip run={reply.run_id} symbol={reply.instrument} told />
          </p>
        </>
      ) : null}
    </section>
  );
}

function Why({ reply }: { reply: InstrumentReply }) {
  const { roster } = reply;
  if (roster === null) {
    return <span className="muted">{reply.roster_reason ?? "The roster says nothing of it."}</span>;
  }
  return (
    <>
      <span>{roster.reasons.join("; ")}</span>
      <Link to="/roster" search={(old) => (old.week === undefined ? {} : { week: old.week })}>
        Roster
      </Link>
    </>
  );
}

const isSimulated = (entry: Entry) => entry.bars_source === "demo";
const isSynthetic = (entry: Entry) => entry.gate_coverage.synthetic_minutes > 0;

function Completed({ entry }: { entry: Entry }) {
  const sharpe = entry.metric_details.sharpe;
  const range = interval(sharpe);
  const facts: Fact[] = [
    [
      "Sharpe, look-back",
      <span key="s" data-metric="sharpe">
        <Metric name="sharpe" value={sharpe} currency={null} />
        {range === null ? null : <span className="muted"> (90 %: {range})</span>}
      </span>,
    ],
    [
      "Sharpe, hold-out",
      entry.judgement.hold_out === null ? (
        <span key="h" className="muted">
          n/a &ndash; {entry.judgement.hold_out_reason ?? "no hold-out"}
        </span>
      ) : (
        <Metric
          key="h"
          name="sharpe"
          value={entry.judgement.hold_out.metric_details.sharpe}
          currency={null}
        />
      ),
    ],
    ["Score", entry.score === null ? `n/a \u2013 ${entry.score_reason}` : ratio(entry.score)],
    ...paramFacts(entry.params),
  ];
  return (
    <>
      <Warnings entry={entry} />
      <Facts facts={facts} />
      <p className={css.pair}>
        {entry.qualified ? (
          <Chip tone="good">Qualified</Chip>
        ) : (
          <Chip tone="warn">Not qualified</Chip>
        )}
        {entry.judgement.promotion.promoted ? (
          <Chip tone="good">Promoted</Chip>
        ) : (
          <Chip tone="warn">Not promoted</Chip>
        )}
        <span className="muted">{standing(entry)}</span>
      </p>
    </>
  );
}

/** Qualified or why not, promoted or where it stopped, in a sentence. */
function standing(entry: Entry): string {
  const { promotion } = entry.judgement;
  const qualified = entry.qualified
    ? `${entry.cells.qualified} of ${entry.cells.total} cells qualify.`
    : entry.insufficient_data
      ? "Too few trades to qualify."
      : `None of ${entry.cells.total} cells qualifies; the best of all is shown.`;
  const failed = promotion.gates.filter((gate) => gate.passed === false).length;
  const stopped =
    promotion.first_failed === null
      ? ""
      : ` ${failed} of ${promotion.gates.length} checks of promotion failed, "${promotion.first_failed.replaceAll("_", " ")}" first.`;
  return qualified + stopped;
}

function Warnings({ entry }: { entry: Entry }) {
  const simulated = isSimulated(entry);
  const synthetic = isSynthetic(entry);
  if (!simulated && !synthetic) return null;
  return (
    <p className={css.warning} role="note">
      {simulated ? "Simulated market: these prices were generated, nobody traded them. " : ""}
      {synthetic
        ? entry.gate_coverage.real_minutes > 0
          ? "Some gates are synthetic: derived from bars, not recorded."
          : "All gates are synthetic: derived from bars, not recorded."
        : ""}
    </p>
  );
}
