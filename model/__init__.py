"""The nouns of the house, and nothing else: no clock, file, socket or database is touched here."""
