"""Configurations against policies."""
