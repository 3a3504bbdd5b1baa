"""Customers' clouds into assets; resource types are files."""
