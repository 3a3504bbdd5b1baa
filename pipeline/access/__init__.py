"""Who may do what: people, signing in, and the one place where permission is asked."""
