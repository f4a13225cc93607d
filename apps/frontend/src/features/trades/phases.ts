// The two spans whose trades a run keeps: the one that chose the cell, and the one after it.
import type { Phase } from "@/api/results";

export const PHASES = [
  ["look_back", "Look-back"],
  ["hold_out", "Hold-out"],
] as const;

export const phaseOf = (text: string | undefined): Phase =>
  text === "hold_out" ? "hold_out" : "look_back";

export const EXPORTS: Record<Phase, string> = {
  look_back: "trades-csv",
  hold_out: "hold_out_trades-csv",
};

export const MEANS: Record<Phase, string> = {
  look_back: "They chose the cell, so they flatter.",
  hold_out: "They come after the choice and judge it.",
};
