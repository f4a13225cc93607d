// A change as arrow, sign and, where more or less is better, the word for it.
import css from "./Compare.module.css";
import { deltaText, verdictOf } from "./words";

export function Moved({ name, moved }: { name: string; moved: number | null }) {
  if (moved === null) return <span className="muted">&ndash;</span>;
  const verdict = verdictOf(name, moved);
  const tone = verdict === "better" ? "gain" : verdict === "worse" ? "loss" : "muted";
  return (
    <span className={tone} data-verdict={verdict ?? "neutral"}>
      {deltaText(name, moved)}
      {verdict === null ? null : <span className={css.verdict}> {verdict}</span>}
    </span>
  );
}
