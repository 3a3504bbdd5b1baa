"""How the places of each cloud are opened, to look and to change."""
