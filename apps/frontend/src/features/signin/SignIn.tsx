import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { signIn } from "@/api/session";
import { reasonOf } from "@/features/problem";
import { useTitle } from "@/layout/useTitle";
import css from "./SignIn.module.css";

export function SignIn() {
  useTitle("Sign in");
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(token.trim());
      setFault(null);
      await client.invalidateQueries();
    } catch (error) {
      setFault(error);
    } finally {
      setBusy(false);
      setToken("");
    }
  };
  return (
    <main className={css.page}>
      <form onSubmit={(event) => void submit(event)} className={css.form}>
        <h1>Sign-in needed</h1>
        <p>
          Open the link that the service printed when it started, or paste the access token from the
          file <code>service/token</code> in its state folder.
        </p>
        <label htmlFor="token">Access token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        {fault === null ? null : <p role="alert">{reasonOf(fault)}</p>}
        <button type="submit" className="primary" disabled={busy || token.trim() === ""}>
          Sign in
        </button>
      </form>
    </main>
  );
}
