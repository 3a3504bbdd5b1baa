"""Azure: its subscriptions, by themselves and in management groups, and Entra ID directories."""
