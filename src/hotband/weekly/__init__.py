"""The weekly job: sweep the grid of every instrument, choose, run again, publish."""
