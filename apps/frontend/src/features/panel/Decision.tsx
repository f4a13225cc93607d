// What the roster decided on an instrument, as one chip.
import { Chip, type ChipTone } from "./Panel";

const UNDECIDED = { name: "Not decided", tone: "plain" } as const;
const DECISIONS: Record<string, { name: string; tone: ChipTone }> = {
  keep: { name: "Keep", tone: "good" },
  tighten: { name: "Tighten", tone: "warn" },
  disable: { name: "Disable", tone: "bad" },
  "re-enable": { name: "Re-enable", tone: "good" },
  no_change: { name: "No change", tone: "plain" },
};

/** All actions, in the order of the page. */
export const ACTIONS = Object.keys(DECISIONS);
export const actionName = (action: string) => DECISIONS[action]?.name ?? action;

interface Verdict {
  action: string;
  reasons: readonly string[];
}

export function Decision({ verdict }: { verdict: Verdict | null }) {
  const { name, tone } =
    verdict === null
      ? UNDECIDED
      : (DECISIONS[verdict.action] ?? { name: verdict.action, tone: "plain" });
  return (
    <span data-testid="decision" data-action={verdict?.action}>
      <Chip tone={tone} title={verdict?.reasons.join("\n")}>
        {name}
      </Chip>
    </span>
  );
}
