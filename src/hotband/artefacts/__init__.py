"""What a run leaves behind: JSON that validates, Parquet beside it, and where both came from."""
