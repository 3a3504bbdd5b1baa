"""Kubernetes clusters: signing in, reading, writing."""
