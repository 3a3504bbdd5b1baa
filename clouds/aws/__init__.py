"""AWS: signing in, reading, writing, what its replies and failures mean."""
