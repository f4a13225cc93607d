// The two spans whose trades and verdicts a run keeps: the one that chose the cell, and the one after it.
import type { Phase } from "@/api/results";

export const PHASES = [
  ["look_back", "Look-back"],
  ["hold_out", "Hold-out"],
] as const;

export const phaseOf = (text: string | undefined): Phase =>
  text === "hold_out" ? "hold_out" : "look_back";
