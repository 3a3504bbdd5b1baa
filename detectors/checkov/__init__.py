"""Configurations against checkov's checks, those that we adopted."""
