"""Bars and gates at rest, opened by URL: in memory, in Parquet, on Valkey, or by a plug-in."""
