// Start and cancel: one POST for one decision, however often the button is pressed.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useRef } from "react";
import { Problem } from "@/api/client";
import { cancelRun, isActive, startRun, statusQuery } from "@/api/queries";
import { reasonOf } from "@/features/problem";
import css from "./Run.module.css";

const LOOK_MS = 700;

function useStart() {
  const client = useQueryClient();
  return useMutation({
    mutationKey: ["start"],
    mutationFn: (body: Record<string, unknown>) => startRun(body, crypto.randomUUID()),
    // The reply comes when the inputs are read; the status knows of the run before.
    onMutate: () =>
      setInterval(() => void client.invalidateQueries({ queryKey: ["status"] }), LOOK_MS),
    onSettled: (_started, _error, _body, looking) => {
      clearInterval(looking);
      void client.invalidateQueries({ queryKey: ["status"] });
      void client.invalidateQueries({ queryKey: ["history"] });
    },
  });
}

export function StartButton(props: { body?: Record<string, unknown>; children: string }) {
  const status = useQuery(statusQuery).data;
  const start = useStart();
  const pressed = useRef(false);
  const active = isActive(status);
  const readOnly = status?.read_only === true;
  const why = useId();
  const press = () => {
    if (pressed.current) return;
    pressed.current = true;
    start.mutate(props.body ?? {}, {
      onSettled: () => {
        pressed.current = false;
      },
    });
  };
  const refused =
    start.error instanceof Problem && start.error.slug === "run-already-active"
      ? null
      : start.error;
  return (
    <span className={css.start}>
      <button
        type="button"
        className="primary"
        onClick={press}
        disabled={start.isPending || active || readOnly || status === undefined}
        aria-describedby={readOnly ? why : undefined}
      >
        {start.isPending ? "Starting\u2026" : props.children}
      </button>
      {readOnly ? (
        <span id={why} className="muted">
          Read-only mode: runs are off on this server.
        </span>
      ) : null}
      {refused === null ? null : (
        <span role="alert" className={css.refused}>
          {reasonOf(refused)}
        </span>
      )}
    </span>
  );
}

export function RunControl() {
  const status = useQuery(statusQuery).data;
  if (isActive(status)) return <CancelButton run={status?.job_id ?? null} state={status?.state} />;
  return <StartButton>Run backtest</StartButton>;
}

function CancelButton(props: { run: string | null; state: string | undefined }) {
  const client = useQueryClient();
  const dialog = useRef<HTMLDialogElement>(null);
  const cancel = useMutation({
    mutationFn: (run: string) => cancelRun(run),
    onSettled: () => void client.invalidateQueries({ queryKey: ["status"] }),
  });
  const { run } = props;
  if (run === null) return <span className="muted">Run by another program</span>;
  return (
    <>
      <button
        type="button"
        disabled={props.state === "cancelling" || cancel.isPending}
        onClick={() => dialog.current?.showModal()}
      >
        {props.state === "cancelling" ? "Stopping\u2026" : "Cancel run"}
      </button>
      <dialog ref={dialog} className={css.dialog} aria-labelledby="cancel-title">
        <h2 id="cancel-title">Cancel the run?</h2>
        <p>Earlier results stay. What is finished is kept, and a later run goes on from there.</p>
        <form method="dialog" className={css.actions}>
          <button type="submit">Keep running</button>
          <button type="submit" className="primary" onClick={() => cancel.mutate(run)}>
            Cancel run
          </button>
        </form>
      </dialog>
    </>
  );
}
