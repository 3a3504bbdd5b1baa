"""What proves that somebody is who they say: passwords, one-time codes, OpenID providers, tokens."""
