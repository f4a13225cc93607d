// The chosen cell's parameters as facts.
import type { Schemas } from "@/api/client";
import type { Fact } from "@/features/panel/Panel";
import { number } from "@/format/numbers";
import { labelOf } from "./measures";

export const setting = (value: boolean | number | string | null | undefined): string =>
  value == null ? "off" : typeof value === "number" ? number(value, 6) : String(value);

export function paramFacts(params: Schemas["Params"]): Fact[] {
  const times = params.hazard_x === null ? "" : ` (${number(params.hazard_x)}\u00d7 profile)`;
  return [
    ["Hazard cap", params.hazard_max === null ? "no cap" : `${number(params.hazard_max)}${times}`],
    ["Min repetitions", setting(params.min_reps)],
    ["Hold", `${number(params.hold_minutes)} min`],
    ["Exposure", `${number(params.exposure)}\u00d7 NAV`],
    ...Object.entries(params.settings).map(
      ([name, value]): Fact => [labelOf(name), setting(value)],
    ),
  ];
}
