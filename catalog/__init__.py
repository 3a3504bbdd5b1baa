"""Reads, compiles and checks `config/`: policies in CEL, and the YAML forms that all rooms use."""
