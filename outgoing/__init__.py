"""Ways out that tenants' files ask for: addresses are judged after the look-up, and connections go where was judged."""
