"""Findings into plans, plans into changes that are verified, and back. A playbook is read, want, write."""
