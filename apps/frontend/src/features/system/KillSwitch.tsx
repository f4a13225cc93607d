// Whether entries are stopped, and a guarded control: nothing is switched without a second word.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import type { Schemas } from "@/api/client";
import { statusQuery } from "@/api/queries";
import { killSwitchQuery, setKillSwitch } from "@/api/system";
import { Chip, Loaded, Panel } from "@/features/panel/Panel";
import { reasonOf } from "@/features/problem";
import { capital } from "@/format/words";
import css from "./System.module.css";

type Reply = Schemas["KillSwitchReply"];

export function KillSwitch() {
  const query = useQuery(killSwitchQuery);
  return (
    <Panel title="Kill switch" id="system-kill-switch">
      <Loaded
        query={query}
        rows={2}
        fault="The kill switch could not be read. It counts as engaged."
      >
        {(found) => (
          <>
            <p>
              <Chip tone={found.kill_switch ? "bad" : "good"}>
                {found.kill_switch ? "Engaged" : "Off"}
              </Chip>{" "}
              {found.kill_switch
                ? "No new entries. Exits always work."
                : "A trader may enter, within all other rules."}
            </p>
            <p className="muted">{capital(found.reason ?? "")}</p>
            <Control found={found} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Control({ found }: { found: Reply }) {
  const client = useQueryClient();
  const status = useQuery(statusQuery).data;
  const dialog = useRef<HTMLDialogElement>(null);
  const write = useMutation({
    mutationFn: (engaged: boolean) => setKillSwitch(engaged),
    onSuccess: (made) => client.setQueryData(killSwitchQuery.queryKey, made),
    onSettled: () => void client.invalidateQueries({ queryKey: ["nav"] }),
  });
  const engage = !found.kill_switch;
  const verb = engage ? "Engage the switch" : "Turn the switch off";
  const readOnly = status?.read_only === true;
  return (
    <>
      <div className={css.actions}>
        <button
          type="button"
          disabled={readOnly || status === undefined || write.isPending}
          aria-describedby={readOnly ? "switch-read-only" : undefined}
          onClick={() => dialog.current?.showModal()}
        >
          {verb}&hellip;
        </button>
        {readOnly ? (
          <span id="switch-read-only" className="muted">
            Read-only mode: the switch is off limits on this server.
          </span>
        ) : null}
      </div>
      {write.error === null ? null : (
        <p role="alert" className={css.error}>
          {reasonOf(write.error)}
        </p>
      )}
      <dialog ref={dialog} className={css.dialog} aria-labelledby="switch-title">
        <h2 id="switch-title">{verb}?</h2>
        <p>
          {engage
            ? "Traders that read this switch make no new entries. Open positions are closed as planned."
            : "Traders that read this switch may enter again at once."}
        </p>
        <form method="dialog" className={css.actions}>
          <button type="submit">Leave it</button>
          <button type="submit" className="primary" onClick={() => write.mutate(engage)}>
            {verb}
          </button>
        </form>
      </dialog>
    </>
  );
}
