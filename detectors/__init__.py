"""Assets and events in, verdicts and findings out; pure."""
