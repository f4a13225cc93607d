"""Spread tasks over threads or a Ray cluster, and gather the results in task order."""
