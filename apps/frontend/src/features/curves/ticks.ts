// Labels of a time axis in the chosen zone.
import type { Zone } from "@/format/time";

const DAY_S = 86_400;
const forms = new Map<string, Intl.DateTimeFormat>();

function form(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  const held = forms.get(key);
  if (held !== undefined) return held;
  const made = new Intl.DateTimeFormat("en-GB", {
    ...options,
    hourCycle: "h23",
    ...(zone === "utc" ? { timeZone: "UTC" } : {}),
  });
  forms.set(key, made);
  return made;
}

const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const DAY = { day: "numeric", month: "short" } as const;

/** A day where ticks are days apart, and at midnight; else a clock time. */
export function tickText(ms: number, stepSeconds: number, zone: Zone): string {
  const clock = form(zone, CLOCK).format(ms);
  return stepSeconds >= DAY_S || clock === "00:00" ? form(zone, DAY).format(ms) : clock;
}
