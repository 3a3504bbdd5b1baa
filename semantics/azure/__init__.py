"""Azure: rules of networks, conditions of alerts."""
