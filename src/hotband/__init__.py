"""hotband: backtests gate-driven FX strategies through the code that trades them."""
