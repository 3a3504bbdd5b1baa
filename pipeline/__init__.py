"""The wiring and nothing else: what comes after what."""
