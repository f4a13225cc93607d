// Sign-in: the start-up link carries the token in its fragment, which is never sent or logged.
import { api } from "./client";

export async function signIn(token: string): Promise<void> {
  await api.POST("/api/session", { body: { token } });
}

/** Exchange the fragment's token for a cookie, and take it out of the address and the history. */
export async function signInFromFragment(): Promise<void> {
  const found = /^#token=([A-Za-z0-9_-]{20,200})$/.exec(window.location.hash);
  if (found?.[1] === undefined) return;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  try {
    await signIn(found[1]);
  } catch {
    // The page then asks for the token by itself.
  }
}
