"""Monitoring logs into events that are metered and fairly scheduled. Pure, but for a stream that is handed in."""
