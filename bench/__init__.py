"""Benchmarks: numbers in `docs/benchmarks.md`, with how they were got. Not shipped."""
