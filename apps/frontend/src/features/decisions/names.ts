// A reason's code as words: "synthetic:min_reps_met" is "Min reps met (synthetic)".
import { sentence } from "@/format/words";

export function reasonName(code: string): string {
  const [origin, rest] = code.split(":");
  return rest === undefined ? sentence(code) : `${sentence(rest)} (${origin})`;
}
