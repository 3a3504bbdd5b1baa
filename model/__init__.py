"""The nouns of the program, and nothing else: no clock, file, socket or database is touched here."""
