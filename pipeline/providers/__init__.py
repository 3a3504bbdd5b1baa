"""What the program knows of each cloud that it looks at: one record each, all of them in `registry.py`."""
