"""Kubernetes: workloads, roles, flags of the control plane."""
