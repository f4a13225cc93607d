"""Prices from outside: files, their quality, and the simulated demo market."""
