// The paper sessions recorded in the state folder: which run, what they hold, what is amiss.
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { paperQuery } from "@/api/paper";
import { Chip, Loaded, Notice, Panel, TableRegion } from "@/features/panel/Panel";
import { Nothing } from "@/features/problem";
import { count, money, number, share } from "@/format/numbers";
import { instantShort, useZone, zoneName } from "@/format/time";
import css from "./System.module.css";

type Session = Schemas["PaperSession"];

export function PaperSessions() {
  const query = useQuery(paperQuery);
  const found = query.data;
  const more = found !== undefined && found.total > found.items.length + found.unreadable.length;
  const side = more
    ? `The newest ${count(found.items.length)} of ${count(found.total)}`
    : undefined;
  return (
    <Panel title="Paper sessions" id="paper" side={side}>
      <Loaded query={query} rows={3} fault="The paper sessions could not be loaded.">
        {(reply) => (
          <>
            {reply.unreadable.map((each) => (
              <Notice key={each.name}>
                {each.name} cannot be read: {each.reason}
              </Notice>
            ))}
            {reply.items.length === 0 ? <None /> : <Table items={reply.items} />}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function None() {
  return (
    <Nothing title="No paper session was recorded yet">
      <p className="muted">
        <code>hotband paper</code> starts one: it trades the roster on paper and sends no order.
        Recordings that it was told to put elsewhere are not listed here.
      </p>
    </Nothing>
  );
}

function Table({ items }: { items: readonly Session[] }) {
  const zone = useZone();
  return (
    <TableRegion label="Paper sessions">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">Start ({zoneName(zone)})</th>
            <th scope="col">State</th>
            <th scope="col">Instruments</th>
            <th scope="col">Last closing</th>
            <th scope="col" className="number">
              Equity
            </th>
            <th scope="col">Open positions</th>
            <th scope="col">Last decision</th>
            <th scope="col">Prices and halts</th>
            <th scope="col" className="number">
              Restarts
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((each) => (
            <Row key={each.name} found={each} />
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}

function Row({ found }: { found: Session }) {
  const zone = useZone();
  const { closing } = found;
  return (
    <tr data-paper={found.name} data-running={found.running}>
      <th scope="row" title={found.session}>
        {instantShort(found.start, zone)}
      </th>
      <td>
        <Chip tone={found.running ? "good" : "plain"}>{found.running ? "Running" : "Ended"}</Chip>
      </td>
      <td className={css.wrap}>
        {found.instruments.map((name) => name.replace("_", "/")).join(", ")}, {found.granularity}
      </td>
      <td>{closing === null ? "none yet" : instantShort(closing.time, zone)}</td>
      <td className="number">
        {closing === null ? "\u2013" : money(closing.equity, found.currency).replace(/^\+/, "")}
      </td>
      <td className={css.wrap} data-label="positions">
        <Positions found={found} />
      </td>
      <td className={css.wrap}>{decisionText(found)}</td>
      <td className={css.wrap} data-label="halts">
        <Feed found={found} />
      </td>
      <td className="number">{count(found.restarts)}</td>
    </tr>
  );
}

function Positions({ found }: { found: Session }) {
  if (found.positions === null) {
    const read = share(found.journal_read_bytes / Math.max(found.journal_bytes, 1), 0);
    return `Not known yet: ${read} of a long journal is read.`;
  }
  if (found.positions.length === 0) return "none";
  return found.positions
    .map(
      (each) => `${each.instrument.replace("_", "/")} ${each.direction} ${number(each.units, 8)}`,
    )
    .join(", ");
}

function decisionText({ decision }: Session): string {
  if (decision === null) return "none yet";
  const name = decision.instrument.replace("_", "/");
  const why = decision.reasons.map((each) => each.replaceAll("_", " ")).join(", ");
  return `${name}: ${decision.admit ? "admitted" : "refused"}${why === "" ? "" : `, ${why}`}`;
}

function Feed({ found }: { found: Session }) {
  const zone = useZone();
  const halts = found.closing?.halts ?? [];
  const bars = Object.values(found.last_bars).sort();
  const oldest = bars[0];
  return (
    <>
      {found.trouble === null ? null : <p className={css.error}>{found.trouble}</p>}
      <div className={css.few}>
        {halts.map((each) => (
          <Chip key={each} tone="warn">
            {each.replaceAll("_", " ")}
          </Chip>
        ))}
        {halts.length === 0 ? "entries allowed" : null}
      </div>
      <small className="muted">
        {oldest === undefined ? "No bar yet" : `All bars to ${instantShort(oldest, zone)}`}
      </small>
    </>
  );
}
