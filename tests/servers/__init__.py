"""Servers and processes for tests: stand-ins, proxies, providers, children that are killed."""
