// One decided week: counts, what acts, the decisions, what was carried over, the settings.
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { changed } from "@/features/panel/address";
import { Notice, Panel, TableRegion } from "@/features/panel/Panel";
import css from "@/features/roster/Roster.module.css";
import { RosterTable } from "@/features/roster/RosterTable";
import { RosterSettings } from "@/features/roster/Settings";
import { groupsOf, syntheticOnly } from "@/features/roster/words";
import { count } from "@/format/numbers";
import { instant, useZone } from "@/format/time";
import { capital } from "@/format/words";

const ACTS = {
  evidence: "Evidence acts: the e-value promotes and disables. The weekly rule is shown beside it.",
  rule: "The weekly rule acts. Evidence is shown beside it.",
} as const;

export function WeekDecided(props: {
  decided: Schemas["RosterWeek"];
  weeks: readonly string[];
  parity: Schemas["RosterReply"]["parity"];
  busy: boolean;
}) {
  const { decided } = props;
  const { open } = useSearch({ from: "/roster" });
  const navigate = useNavigate({ from: "/roster" });
  const zone = useZone();
  const groups = groupsOf(decided);
  const synthetic = syntheticOnly(decided);
  const acting = decided.settings.promotion;
  const toggle = (name: string) =>
    void navigate({
      search: (old) => changed(old, { open: open === name ? undefined : name }),
      resetScroll: false,
      replace: true,
    });
  return (
    <>
      {synthetic === null ? null : <Notice>{synthetic}</Notice>}
      <Panel
        title="Decisions"
        busy={props.busy}
        id="roster-decisions"
        side={`From the run of ${instant(decided.generated_at, zone)}`}
      >
        <div className={css.summary}>
          <dl data-testid="roster-counts">
            {groups.map((group) => (
              <div key={group.action} data-action={group.action}>
                <dt>{group.name}</dt>
                <dd>{count(group.rows.length)}</dd>
              </div>
            ))}
          </dl>
          <p className="muted">{ACTS[acting]}</p>
        </div>
        <RosterTable
          groups={groups}
          week={decided.week}
          weeks={props.weeks}
          acting={acting}
          parity={props.parity}
          open={open}
          toggle={toggle}
        />
      </Panel>
      <CarriedOver carried={decided.carried} />
      <Panel title="Settings in force" id="roster-settings">
        <RosterSettings settings={decided.settings} />
      </Panel>
    </>
  );
}

function CarriedOver({ carried }: { carried: Schemas["RosterWeek"]["carried"] }) {
  const names = Object.keys(carried).sort();
  if (names.length === 0) return null;
  return (
    <Panel
      title="Not decided this week"
      side="No run of this week had them; they stay as they were"
    >
      <TableRegion label="Instruments that were not decided">
        <table>
          <thead>
            <tr>
              <th scope="col">Instrument</th>
              <th scope="col">Rule</th>
              <th scope="col">Evidence</th>
              <th scope="col">Last decided</th>
            </tr>
          </thead>
          <tbody>
            {names.map((name) => {
              const state = carried[name]?.state;
              return (
                <tr key={name} data-instrument={name}>
                  <th scope="row">{name.replace("_", "/")}</th>
                  <td>{capital(state?.rule.word ?? "\u2013")}</td>
                  <td>{capital(state?.stage ?? "\u2013")}</td>
                  <td>{state?.last?.week ?? "never"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableRegion>
    </Panel>
  );
}
