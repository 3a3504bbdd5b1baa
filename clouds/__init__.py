"""Clients of customers' clouds: sessions, credentials by reference, rate limits, service models; all SDKs are here."""
