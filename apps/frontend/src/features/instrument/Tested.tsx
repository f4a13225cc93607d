// What was tested: windows, grid, data, and the parameters that came out of it.
import type { Schemas } from "@/api/client";
import type { Entry, InstrumentReply } from "@/api/results";
import { type Fact, Facts, Panel } from "@/features/panel/Panel";
import { count, number } from "@/format/numbers";
import { instant, useZone, type Zone } from "@/format/time";
import { labelOf } from "./measures";
import { setting } from "./params";

const span = (window: Schemas["Window"], zone: Zone) =>
  `${instant(window.start, zone)} to ${instant(window.end, zone)}`;

export function Tested({ reply, entry }: { reply: InstrumentReply; entry: Entry }) {
  const zone = useZone();
  const { judgement, plateau, best_of_all: best } = entry;
  const folds = judgement.walk_forward?.folds.length ?? 0;
  const facts: Fact[] = [
    ["Look-back", span(judgement.look_back, zone)],
    [
      "Hold-out",
      judgement.hold_out === null
        ? `none \u2013 ${judgement.hold_out_reason ?? "nothing judged the choice"}`
        : span(judgement.hold_out.window, zone),
    ],
    ["Whole window", span(reply.window, zone)],
    ["Walk-forward", folds === 0 ? "none" : `${folds} ${folds === 1 ? "fold" : "folds"}`],
    [
      "Combinations",
      `${count(entry.cells.total)} tested, ${count(entry.cells.scored)} scored, ${count(entry.cells.qualified)} qualified`,
    ],
    ["Bars from", entry.bars_source === "demo" ? "demo (simulated market)" : entry.bars_source],
    ["Gates", entry.source],
    ["Account currency", entry.currency ?? "not known"],
  ];
  if (plateau !== null) {
    facts.push([
      "Neighbours of the choice",
      `${count(plateau.neighbours)}, score ${number(plateau.neighbourhood_mean, 3)} on average, ${number(plateau.neighbourhood_min, 3)} at worst, own ${number(plateau.own_score, 3)}`,
    ]);
    facts.push([
      "At the end of an axis",
      plateau.border.length === 0 ? "none" : plateau.border.map(labelOf).join(", "),
    ]);
  }
  if (best !== null) {
    facts.push([
      "Best single cell",
      `score ${number(best.score, 3)} at hazard ${setting(best.params.hazard_max)}, ${best.params.min_reps} repetitions, ${number(best.params.hold_minutes)} min, exposure ${number(best.params.exposure)}`,
    ]);
  }
  return (
    <Panel title="What was tested" id="tested">
      <Facts facts={facts} />
    </Panel>
  );
}
