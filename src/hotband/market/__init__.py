"""What is known of a market: instruments, hours, bars, spreads, conversion, financing."""
