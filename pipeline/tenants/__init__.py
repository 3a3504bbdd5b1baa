"""Tenants: their files, their places, their exceptions."""
