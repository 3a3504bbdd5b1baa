"""Kubernetes: what its API tells of a cluster -> Asset."""
