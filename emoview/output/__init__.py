"""Writing results: takes an `Analysis`, knows nothing of how it was made."""
