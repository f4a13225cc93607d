// Times: UTC first; one switch moves every panel, and the zone is always written.
import { useSyncExternalStore } from "react";

export type Zone = "utc" | "local";
const KEY = "hotband.zone";
const listeners = new Set<() => void>();

function held(): Zone {
  try {
    return localStorage.getItem(KEY) === "local" ? "local" : "utc";
  } catch {
    return "utc";
  }
}

let zone: Zone = held();

export function setZone(next: Zone): void {
  zone = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage may be closed; the choice then lasts as long as the page.
  }
  for (const tell of listeners) tell();
}

export function useZone(): Zone {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => zone,
  );
}

const form = (which: Zone, options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat("en-GB", {
    ...options,
    ...(which === "utc" ? { timeZone: "UTC" } : {}),
    hourCycle: "h23",
  });

const full = {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
} as const;

function localName(at: number): string {
  const parts = form("local", { timeZoneName: "short" }).formatToParts(at);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "local";
}

/**
 * The zone's short name at an instant, such as BST. Without an instant what holds all year: the
 * short name, or where the clocks change the zone itself, such as Europe/London.
 */
export function zoneName(which: Zone, at?: number): string {
  if (which === "utc") return "UTC";
  if (at !== undefined) return localName(at);
  const year = new Date().getFullYear();
  const [winter, summer] = [localName(Date.UTC(year, 0, 1)), localName(Date.UTC(year, 6, 1))];
  return winter === summer ? winter : form("local", {}).resolvedOptions().timeZone;
}

type Instant = string | number | null | undefined;
const ms = (at: string | number) => (typeof at === "number" ? at : Date.parse(at));

/** Such as 18 Nov 2026 14:35 UTC; "–" for none. */
export function instant(at: Instant, which: Zone): string {
  if (at == null || Number.isNaN(ms(at))) return "\u2013";
  return `${form(which, full).format(ms(at)).replace(",", "")} ${zoneName(which, ms(at))}`;
}

/** Without the zone, for columns whose header names it. */
export function instantShort(at: Instant, which: Zone): string {
  if (at == null || Number.isNaN(ms(at))) return "\u2013";
  return form(which, { ...full, second: "2-digit" })
    .format(ms(at))
    .replace(",", "");
}

export function dayOf(at: Instant, which: Zone): string {
  if (at == null || Number.isNaN(ms(at))) return "\u2013";
  return form(which, { day: "numeric", month: "short", year: "numeric" }).format(ms(at));
}

export function clockOf(at: number, which: Zone): string {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
  return `${form(which, options).format(at)} ${zoneName(which, at)}`;
}
