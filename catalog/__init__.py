"""Reads, compiles and checks `config/`: policies in CEL, and the YAML forms that the whole house uses."""
