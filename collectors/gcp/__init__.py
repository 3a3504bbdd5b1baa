"""Google Cloud: Cloud Asset's assets -> Asset."""
