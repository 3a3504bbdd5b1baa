"""Kubernetes: its clusters, wherever they run."""
