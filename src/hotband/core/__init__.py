"""The compiled pipeline, in the order of trading."""
