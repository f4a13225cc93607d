"""What weeks of results decide: the trial ledger, evidence, and the roster policy."""
