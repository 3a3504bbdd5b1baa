"""Playbooks, one a file: `PLAYBOOK` is the one of the file."""
