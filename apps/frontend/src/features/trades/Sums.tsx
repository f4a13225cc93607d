// The sums of all trades that the filter leaves, on every page.
import type { Schemas } from "@/api/client";
import { count, money, share, tone } from "@/format/numbers";
import css from "./Trades.module.css";

export function Sums(props: { page: Schemas["TradePage"]; loaded: number; currency: string }) {
  const { page, currency } = props;
  const { sums } = page;
  return (
    <p className={css.sums} role="status" data-testid="sums">
      <span>
        <strong>{count(page.total)}</strong> of {count(page.unfiltered)} trades
      </span>
      <span>
        Net <strong className={tone(sums.pnl)}>{money(sums.pnl, currency)}</strong>
      </span>
      <span>
        {count(sums.wins)} won, {count(sums.losses)} lost ({share(sums.win_rate)})
      </span>
      <span className="muted">
        gross {money(sums.gross, currency)}, commission {money(-sums.commission, currency)},
        financing {money(sums.financing, currency)}
      </span>
    </p>
  );
}
