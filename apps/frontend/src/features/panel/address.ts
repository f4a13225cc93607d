import { defined } from "@/defined";

/** The search part of an address with a change; what the change sets to undefined is dropped. */
export function changed<T extends Record<string, unknown>>(
  old: T,
  change: { [K in keyof T]?: T[K] | undefined },
): T {
  return defined({ ...old, ...change }) as T;
}
