"""Rows to score: those of the specification, and variations of them."""

from dataclasses import replace

from hotband.research.score import ScoreInputs

SOLID = ScoreInputs(
    sharpe=1.8, days=260, trades=900, return_pct=14.0, pnl_nav_pct=14.0, pnl=14_000.0, pf=1.35,
    maxdd_pct=4.2, maxdd=4_600.0, real_frac=1.0, churn=0.35, psr=0.96, dsr=0.97,
)  # fmt: skip
"""Vector A: nothing speaks against it."""
ONE_WEEK = ScoreInputs(
    sharpe=19.99, days=5, trades=62, return_pct=2.2, pnl_nav_pct=2.2, pnl=2_183.0, pf=2.43,
    maxdd_pct=0.5, maxdd=500.0, real_frac=1.0, churn=0.3, psr=0.996, dsr=0.51,
)  # fmt: skip
"""Vector B: five days that look brilliant."""
LOSER = ScoreInputs(
    sharpe=-0.6, days=260, trades=900, return_pct=-5.0, pnl_nav_pct=-5.0, pnl=-5_000.0, pf=0.93,
    maxdd_pct=11.0, maxdd=11_500.0, real_frac=1.0, churn=0.9, psr=0.2, dsr=0.01,
)  # fmt: skip
"""Vector C."""
SYNTHETIC = replace(SOLID, real_frac=0.2)
"""Vector D."""
IDLE = ScoreInputs(
    sharpe=None, days=260, trades=0, return_pct=0.0, pnl_nav_pct=0.0, pnl=0.0, pf=None,
    maxdd_pct=0.0, maxdd=0.0, real_frac=None, churn=None, psr=None, dsr=None,
)  # fmt: skip
