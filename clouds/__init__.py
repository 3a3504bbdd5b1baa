"""Doors to customers' clouds: sessions, credentials by reference, rate limits, service models. SDKs live here only."""
