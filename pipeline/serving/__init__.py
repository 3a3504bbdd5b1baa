"""The service: jobs, the workers that do them, and the process that keeps them running."""
