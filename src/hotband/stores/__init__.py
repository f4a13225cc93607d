"""Bars and gates at rest: in memory or in Parquet, opened by URL."""
