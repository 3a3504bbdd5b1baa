"""AWS: its accounts, by themselves and in organisations."""
