// The service does not answer: since when, and when it is tried again.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Offline } from "@/api/client";
import { retryMs, statusQuery } from "@/api/queries";
import { clockOf, useZone } from "@/format/time";
import css from "./OfflineBanner.module.css";

export function OfflineBanner() {
  const status = useQuery(statusQuery);
  const zone = useZone();
  const away = status.error instanceof Offline;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!away) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [away]);
  if (!away) return null;
  const next = status.errorUpdatedAt + retryMs();
  const left = Math.max(0, Math.ceil((next - now) / 1000));
  const data =
    status.dataUpdatedAt > 0 ? ` Showing data from ${clockOf(status.dataUpdatedAt, zone)}.` : "";
  return (
    <div className={css.banner} role="alert" data-testid="offline">
      <span>
        Can&rsquo;t reach the service.{data}{" "}
        <span aria-hidden="true">
          {status.isFetching ? "Trying now." : `Trying again in ${left} s.`}
        </span>
      </span>
      <button type="button" onClick={() => void status.refetch()}>
        Try now
      </button>
    </div>
  );
}
