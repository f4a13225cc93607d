"""Prices from outside: files, their quality, a broker, and the simulated demo market."""
