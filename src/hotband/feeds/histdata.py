"""HistData.com files. Their times are Eastern Standard Time all year: UTC-5, no summer time."""

from typing import Final

from hotband.feeds.delimited import Layout

ZONE: Final = "Etc/GMT+5"
MINUTES: Final = Layout(("time", "o", "h", "l", "c", "volume"), ";", ("%Y%m%d %H%M%S",))
"""``YYYYMMDD HHMMSS;open;high;low;close;volume``: bid bars, volume 0."""
TICKS: Final = Layout(("time", "bid", "ask", "_volume"), ",", ("%Y%m%d %H%M%S%3f",))
"""``YYYYMMDD HHMMSSmmm,bid,ask,volume``."""
