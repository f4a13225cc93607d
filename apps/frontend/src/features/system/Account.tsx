// What a live trader last said of its account, or why there are no numbers.
import { useQuery } from "@tanstack/react-query";
import { navQuery } from "@/api/system";
import { Loaded, Panel } from "@/features/panel/Panel";
import { count, number } from "@/format/numbers";
import { instant, useZone } from "@/format/time";
import { capital } from "@/format/words";
import { Facts } from "./Facts";

const plain = new Intl.NumberFormat("en-GB", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

export function Account() {
  const query = useQuery(navQuery);
  const zone = useZone();
  return (
    <Panel title="Account" id="system-nav">
      <Loaded query={query} rows={4} fault="The account could not be read.">
        {(nav) =>
          nav.nav_snapshot === null ? (
            <>
              <p>No account is reported.</p>
              <p className="muted">{capital(nav.reason ?? "")}</p>
            </>
          ) : (
            <Facts
              facts={[
                ["NAV", plain.format(nav.nav_snapshot)],
                [
                  "Exposure",
                  nav.exposure_usd === null ? "\u2013" : `${plain.format(nav.exposure_usd)} USD`,
                ],
                ["Units", number(nav.total_units, 8)],
                ["Positions", count(nav.positions)],
                ["Trades now", nav.trading_active ? "Yes" : "No"],
                ["Last said", instant(nav.last_updated, zone)],
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}
