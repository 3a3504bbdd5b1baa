"""A cloud of boxes in attics, kept in memory: all that a provider has to be."""
