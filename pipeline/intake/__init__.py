"""Monitoring logs as they come in: counted, looked at once, and accounted for to one record."""
