"""Benchmarks: see `make bench`."""
