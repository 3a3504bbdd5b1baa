"""The HTTP API: tenants, resources, findings and scans for whoever holds a token."""
