"""TrueFX files: one quote per line, in GMT."""

from typing import Final

from hotband.feeds.delimited import Layout

TICKS: Final = Layout(("pair", "time", "bid", "ask"), ",", ("%Y%m%d %H:%M:%S%.3f",))
"""``EUR/USD,20160502 00:00:00.959,1.14601,1.14605``."""
