// The first tab: what was tested, what came out, and how far it can be trusted.
import type { Entry, InstrumentReply } from "@/api/results";
import { Findings } from "@/features/instrument/Findings";
import { Gates } from "@/features/instrument/Gates";
import { Metrics } from "@/features/instrument/Metrics";
import { Score } from "@/features/instrument/Score";
import { Provable, Selection } from "@/features/instrument/Selection";
import { Stress } from "@/features/instrument/Stress";
import { Tested } from "@/features/instrument/Tested";
import css from "@/features/panel/Panel.module.css";

export function Summary({ reply, entry }: { reply: InstrumentReply; entry: Entry }) {
  const { judgement, currency } = entry;
  return (
    <div className={css.columns} data-testid="summary">
      <Metrics entry={entry} />
      <div className={css.stack}>
        <Gates promotion={judgement.promotion} currency={currency} />
        <Findings findings={judgement.findings} notes={entry.notes} />
        <Provable provable={judgement.provable} cells={entry.cells.total} />
      </div>
      <div className={css.stack}>
        <Tested reply={reply} entry={entry} />
        <Score entry={entry} />
        <Selection entry={entry} />
        <Stress entry={entry} />
      </div>
    </div>
  );
}
