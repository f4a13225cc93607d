// What the trades of either phase are good for, and which download has them.
import type { Phase } from "@/api/results";

export const EXPORTS: Record<Phase, string> = {
  look_back: "trades-csv",
  hold_out: "hold_out_trades-csv",
};

export const MEANS: Record<Phase, string> = {
  look_back: "They chose the cell, so they flatter.",
  hold_out: "They come after the choice and judge it.",
};
