// A person's words on a run, edited in place; what someone else wrote meanwhile is never lost.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useId, useState } from "react";
import { Problem, type Schemas } from "@/api/client";
import { noteQuery, writeNote } from "@/api/pages";
import { statusQuery } from "@/api/queries";
import { Loaded } from "@/features/panel/Panel";
import { reasonOf } from "@/features/problem";
import css from "./History.module.css";

const MOST = 2000;

export function NoteEditor({ job }: { job: string }) {
  const query = useQuery(noteQuery(job));
  return (
    <section aria-label="Note">
      <h3>Note</h3>
      <Loaded query={query} rows={3} fault="The note could not be loaded.">
        {(note) => <Editor job={job} note={note} />}
      </Loaded>
    </section>
  );
}

function Editor({ job, note }: { job: string; note: Schemas["Note"] }) {
  const client = useQueryClient();
  const readOnly = useQuery(statusQuery).data?.read_only === true;
  const field = useId();
  const [text, setText] = useState(note.text);
  // The version the text was begun on: a refetch behind the writer's back must not raise it.
  const [version, setVersion] = useState(note.version);
  const changed = text !== note.text;
  useEffect(() => {
    if (note.version === version || changed) return;
    setText(note.text);
    setVersion(note.version);
  }, [note, version, changed]);
  const save = useMutation({
    mutationFn: () => writeNote(job, text, version),
    onSuccess: (made) => {
      setVersion(made.version);
      client.setQueryData(noteQuery(job).queryKey, made);
      void client.invalidateQueries({ queryKey: ["history"] });
    },
  });
  const clash = save.error instanceof Problem && save.error.status === 412;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (changed && !readOnly) save.mutate();
  };
  const takeTheirs = async () => {
    const found = await client.fetchQuery({ ...noteQuery(job), staleTime: 0 });
    setText(found.text);
    setVersion(found.version);
    save.reset();
  };
  const keepMine = async () => {
    const found = await client.fetchQuery({ ...noteQuery(job), staleTime: 0 });
    setVersion(found.version);
    save.reset();
  };
  return (
    <form className={css.editor} onSubmit={submit} data-testid="note">
      <label className="visually-hidden" htmlFor={field}>
        Note, plain text
      </label>
      <textarea
        id={field}
        rows={3}
        maxLength={MOST}
        value={text}
        readOnly={readOnly}
        placeholder={readOnly ? "" : "What to remember of this run"}
        onChange={(event) => setText(event.target.value)}
      />
      <div className={css.actions}>
        <button type="submit" disabled={!changed || readOnly || save.isPending || clash}>
          {save.isPending ? "Saving\u2026" : "Save note"}
        </button>
        {changed && !clash ? (
          <button
            type="button"
            onClick={() => {
              setText(note.text);
              setVersion(note.version);
              save.reset();
            }}
          >
            Discard
          </button>
        ) : null}
        <span role="status" className="muted">
          {readOnly
            ? "Read-only mode: notes are off on this server."
            : save.isSuccess && !changed
              ? "Saved."
              : `${text.length} of ${MOST} characters`}
        </span>
      </div>
      {clash ? (
        <div role="alert" className={css.clash}>
          <p>Changed elsewhere: someone saved another text after this one was read.</p>
          <div className={css.actions}>
            <button type="button" onClick={() => void takeTheirs()}>
              Show theirs
            </button>
            <button type="button" onClick={() => void keepMine()}>
              Keep my text, to save over it
            </button>
          </div>
        </div>
      ) : save.error === null ? null : (
        <p role="alert" className={css.error}>
          {reasonOf(save.error)}
        </p>
      )}
    </form>
  );
}
