"""Drivers that follow the market as it comes; they own the clock and the waiting."""
