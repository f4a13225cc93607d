// The latest gate of each instrument: what the profile says of it now, and why.
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { gatesQuery } from "@/api/system";
import { Chip, Loaded, Panel, TableRegion } from "@/features/panel/Panel";
import { Nothing } from "@/features/problem";
import { count, duration, number, share } from "@/format/numbers";
import { instant, instantShort, useZone } from "@/format/time";
import { capital } from "@/format/words";
import css from "./System.module.css";

type Gate = Schemas["GateNow"];

export function GatesNow() {
  const query = useQuery(gatesQuery);
  const zone = useZone();
  const side = query.data === undefined ? undefined : `As of ${instant(query.data.as_of, zone)}`;
  return (
    <Panel title="Gates now" id="system-gates" side={side}>
      <Loaded query={query} rows={4} fault="Gates not available.">
        {(found) =>
          found.gates.length === 0 ? (
            <Nothing title={found.available ? "No gates yet" : "The gate store is away"}>
              <p className="muted">{capital(found.reason ?? "")}</p>
            </Nothing>
          ) : (
            <Table gates={found.gates} />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Table({ gates }: { gates: readonly Gate[] }) {
  return (
    <TableRegion label="Latest gate of each instrument">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">Instrument</th>
            <th scope="col">Verdict</th>
            <th scope="col">Direction</th>
            <th scope="col" className="number">
              Hazard
            </th>
            <th scope="col" className="number">
              Limit
            </th>
            <th scope="col" className="number">
              Repetitions
            </th>
            <th scope="col">Regime</th>
            <th scope="col">Source</th>
            <th scope="col">Age</th>
            <th scope="col">Reasons</th>
          </tr>
        </thead>
        <tbody>
          {gates.map((gate) => (
            <Row key={gate.instrument} gate={gate} />
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}

function Row({ gate }: { gate: Gate }) {
  const zone = useZone();
  const reasons = [...new Set([...gate.reasons, ...gate.producer_reasons])];
  return (
    <tr data-instrument={gate.instrument}>
      <th scope="row">{gate.instrument.replace("_", "/")}</th>
      <td>
        <Chip tone={gate.admit ? "good" : "warn"}>{gate.admit ? "Admitted" : "Refused"}</Chip>{" "}
        {gate.hard_blocked ? <Chip tone="bad">Hard blocked</Chip> : null}
      </td>
      <td>{gate.direction}</td>
      <td className="number">{number(gate.hazard)}</td>
      <td className="number">{number(gate.hazard_threshold)}</td>
      <td className="number">{count(gate.repetitions)}</td>
      <td>
        {gate.regime === null
          ? "\u2013"
          : `${gate.regime.replaceAll("_", " ")} ${share(gate.regime_confidence, 0)}`}
      </td>
      <td>
        <Chip tone={gate.source === "real" ? "plain" : "made"}>
          {gate.source === "real" ? "Recorded" : "Synthetic"}
        </Chip>
      </td>
      <td title={instantShort(gate.updated_at, zone)}>{duration(gate.age_seconds)}</td>
      <td>
        <div className={css.chips}>
          {reasons.length === 0 ? (
            <span className="muted">none</span>
          ) : (
            reasons.map((code) => (
              <Chip key={code} title={code}>
                {code.replaceAll("_", " ")}
              </Chip>
            ))
          )}
        </div>
      </td>
    </tr>
  );
}
