"""Clouds on this machine, for the demonstration and the tests."""
