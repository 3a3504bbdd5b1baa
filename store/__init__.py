"""Persistence: one store for the service, one for each tenant. `Home.tenant(id)` is the only way to its data."""
