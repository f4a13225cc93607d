// What answers: version, modes, schedule, and the parts it is made of.
import { useQuery } from "@tanstack/react-query";
import { metaQuery } from "@/api/queries";
import { Loaded, Panel } from "@/features/panel/Panel";
import { instant } from "@/format/time";
import { Facts } from "./Facts";
import css from "./System.module.css";

export function Service() {
  const query = useQuery(metaQuery);
  return (
    <Panel title="Service" id="system-service">
      <Loaded query={query} rows={6} fault="The service's facts could not be loaded.">
        {(meta) => (
          <Facts
            facts={[
              ["Version", meta.version],
              [
                "API",
                <a
                  key="api"
                  href="/api/openapi.json"
                >{`version ${meta.api_version}, OpenAPI document`}</a>,
              ],
              [
                "Mode",
                meta.read_only ? "Read-only: runs, notes and the switch are off" : "Writable",
              ],
              [
                "Sign-in",
                meta.auth === "token" ? "Access token needed" : "Not needed on this machine",
              ],
              ["Licence", meta.licence],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

export function Schedule() {
  const query = useQuery(metaQuery);
  return (
    <Panel title="Weekly run" id="system-schedule">
      <Loaded query={query} rows={3} fault="The schedule could not be loaded.">
        {(meta) =>
          meta.schedule === null ? (
            <>
              <p>Nothing starts by itself.</p>
              <p className="muted">
                Start the service with{" "}
                <code>hotband serve --schedule &quot;0 17 * * wed&quot;</code> to run every week.
              </p>
            </>
          ) : (
            <Facts
              facts={[
                ["Cron line, UTC", <code key="line">{meta.schedule}</code>],
                ["Next run", instant(meta.next_run_at, "utc")],
                ["The same, local", instant(meta.next_run_at, "local")],
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

export function Parts() {
  const query = useQuery(metaQuery);
  return (
    <Panel title="Versions" id="system-parts">
      <Loaded query={query} rows={8} fault="Versions could not be loaded.">
        {(meta) => (
          <div className={css.columns}>
            <Facts facts={[["Python", meta.python], ...Object.entries(meta.parts)]} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
