// One certificate: what made it, its first mismatches, and what disturbed the session's inputs.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Schemas } from "@/api/client";
import { certificateQuery } from "@/api/paper";
import { Loaded, TableRegion } from "@/features/panel/Panel";
import { count } from "@/format/numbers";
import { instant, instantShort, useZone, zoneName } from "@/format/time";
import css from "./Certificates.module.css";
import { causeName, matchText, STAGE_NAMES, valueText } from "./words";

type Certificate = Schemas["Certificate"];
const MOST = 50;

export function CertificateDetails(props: { session: string; titled?: boolean }) {
  const query = useQuery(certificateQuery(props.session));
  const place = useRef<HTMLDivElement>(null);
  const there = query.data !== undefined;
  // A link of a roster's row leads here, and the list may be far below it.
  useEffect(() => {
    if (there) place.current?.scrollIntoView({ block: "nearest" });
  }, [there]);
  return (
    <div ref={place} className={css.details} data-testid="certificate" data-session={props.session}>
      <Loaded query={query} rows={4} fault="The certificate could not be loaded.">
        {(found) => (
          <>
            {props.titled === true ? <h3>Session {found.session}</h3> : null}
            <Facts found={found} />
            <Mismatches found={found} />
            <Disturbances found={found} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function Facts({ found }: { found: Certificate }) {
  const zone = useZone();
  const { recorded, replayed } = found.code;
  return (
    <p className="muted">
      {matchText(found.match_pct)} of events are the same. Made {instant(found.produced, zone)}{" "}
      &middot; {count(found.restarts)} {found.restarts === 1 ? "restart" : "restarts"} &middot;{" "}
      {found.reproduced
        ? "the recording was reproduced to the last bit"
        : "the recording could not be reproduced"}{" "}
      &middot; code {replayed}
      {recorded === replayed ? "" : `, recorded with ${recorded ?? "unknown code"}`} &middot;{" "}
      <a href={`/api/certificates/${found.session}`}>JSON</a>
    </p>
  );
}

function Mismatches({ found }: { found: Certificate }) {
  const zone = useZone();
  const all = Object.values(found.mismatch_counts).reduce<number>((sum, n) => sum + (n ?? 0), 0);
  if (all === 0) return <p>Session and backtest agree on every event.</p>;
  const shown = found.mismatches.slice(0, MOST);
  return (
    <>
      <p>
        {shown.length < all
          ? `The first ${count(shown.length)} of ${count(all)} mismatches.`
          : `${count(all)} ${all === 1 ? "mismatch" : "mismatches"}.`}
      </p>
      <TableRegion label="First mismatches">
        <table data-testid="mismatches">
          <thead>
            <tr>
              <th scope="col">Bar ({zoneName(zone)})</th>
              <th scope="col">Stage</th>
              <th scope="col">Instrument</th>
              <th scope="col">Session</th>
              <th scope="col">Backtest</th>
              <th scope="col">Cause</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((each, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a list that never changes, not unique
              <tr key={at}>
                <th scope="row">{instantShort(each.time, zone)}</th>
                <td>{STAGE_NAMES[each.stage]}</td>
                <td>{each.instrument?.replace("_", "/") ?? "account"}</td>
                <td className={css.why}>{valueText(each.session)}</td>
                <td className={css.why}>{valueText(each.backtest)}</td>
                <td className={css.why}>
                  {causeName(each.cause)}: {each.why}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
    </>
  );
}

function Disturbances({ found }: { found: Certificate }) {
  const zone = useZone();
  if (found.disturbances.length === 0) return null;
  const shown = found.disturbances.slice(0, MOST);
  return (
    <details>
      <summary>Disturbances of the inputs, the first {count(shown.length)}</summary>
      <ul>
        {shown.map((each) => (
          <li key={`${each.since}:${each.cause}:${each.why}`}>
            {instant(each.since, zone)}: {causeName(each.cause)}, {each.why}
          </li>
        ))}
      </ul>
    </details>
  );
}
