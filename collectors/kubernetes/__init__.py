"""Kubernetes: what its API reports of a cluster -> Asset."""
