"""Statistics of selection: what the search that found a number takes away from it."""
