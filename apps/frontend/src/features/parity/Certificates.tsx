// The certificates of paper sessions, newest first; a row opens to its first mismatches.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { certificatesQuery } from "@/api/paper";
import { changed } from "@/features/panel/address";
import { Chip, Loaded, Notice, Panel, TableRegion } from "@/features/panel/Panel";
import { Nothing } from "@/features/problem";
import { count } from "@/format/numbers";
import { dayOf, instant, useZone } from "@/format/time";
import { CertificateDetails } from "./CertificateDetails";
import css from "./Certificates.module.css";
import { causesText, matchText, STAGE_NAMES, STAGES } from "./words";

type Short = Schemas["CertificateShort"];

export function Certificates() {
  const query = useQuery(certificatesQuery);
  const found = query.data;
  const side =
    found === undefined || found.total <= found.items.length + found.unreadable.length
      ? undefined
      : `The newest ${count(found.items.length)} of ${count(found.total)}`;
  return (
    <Panel title="Parity certificates" id="certificates" side={side}>
      <Loaded query={query} rows={3} fault="The certificates could not be loaded.">
        {(reply) => <List reply={reply} />}
      </Loaded>
    </Panel>
  );
}

function List({ reply }: { reply: Schemas["Certificates"] }) {
  const { certificate } = useSearch({ from: "/roster" });
  const known = reply.items.some((each) => each.session === certificate);
  return (
    <>
      {reply.unreadable.map((each) => (
        <Notice key={each.name}>
          {each.name}: {each.reason}
        </Notice>
      ))}
      {certificate !== undefined && !known ? (
        <CertificateDetails session={certificate} titled />
      ) : null}
      {reply.items.length === 0 ? (
        <Nothing title="No paper session was certified yet">
          <p className="muted">
            <code>hotband replay</code> on the recording of a paper session writes its certificate:
            whether the session traded as the backtest of its inputs says.
          </p>
        </Nothing>
      ) : (
        <Table items={reply.items} open={certificate} />
      )}
    </>
  );
}

const COLUMNS = 6 + STAGES.length;

function Table({ items, open }: { items: readonly Short[]; open: string | undefined }) {
  return (
    <TableRegion label="Certificates of paper sessions">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">Session</th>
            <th scope="col">Result</th>
            <th scope="col">Instruments</th>
            <th scope="col" className="number">
              Same
            </th>
            {STAGES.map((stage) => (
              <th key={stage} scope="col" className="number">
                {STAGE_NAMES[stage]}
              </th>
            ))}
            <th scope="col">Mismatches by cause</th>
            <th scope="col">
              <span className="visually-hidden">Details</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((each) => (
            <Row key={each.session} found={each} open={each.session === open} />
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}

function Row({ found, open }: { found: Short; open: boolean }) {
  const zone = useZone();
  const navigate = useNavigate({ from: "/roster" });
  const toggle = () =>
    void navigate({
      search: (old) => changed(old, { certificate: open ? undefined : found.session }),
      resetScroll: false,
      replace: true,
    });
  return (
    <>
      <tr data-certificate={found.session}>
        <th scope="row">
          {dayOf(found.window.start, zone)} &ndash; {dayOf(found.window.end, zone)}
          <small className={css.small} title={`Made ${instant(found.produced, zone)}`}>
            {found.session}
          </small>
        </th>
        <td>
          <Chip tone={found.proven ? "good" : "bad"}>{found.proven ? "Proven" : "Differs"}</Chip>
          {found.reproduced ? null : <small className={css.small}>not reproduced</small>}
        </td>
        <td className={css.names}>
          {found.instruments.map((name) => name.replace("_", "/")).join(", ")}
        </td>
        <td className="number">{matchText(found.match_pct)}</td>
        {STAGES.map((stage) => (
          <td key={stage} className="number" data-stage={stage}>
            {stageText(found.stages[stage])}
          </td>
        ))}
        <td>{causesText(found.mismatch_counts) || "none"}</td>
        <td>
          <button type="button" aria-expanded={open} onClick={toggle}>
            {open ? "Close" : "Details"}
            <span className="visually-hidden">, session {found.session}</span>
          </button>
        </td>
      </tr>
      {open ? (
        <tr className={css.open}>
          <td colSpan={COLUMNS}>
            <CertificateDetails session={found.session} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

/** How many of a stage's events are the same, of those that either side has most of. */
function stageText(match: Schemas["Match"] | undefined): string {
  if (match === undefined) return "\u2013";
  const most = Math.max(match.session, match.backtest);
  return most === 0 ? "none" : `${count(match.same)} / ${count(most)}`;
}
