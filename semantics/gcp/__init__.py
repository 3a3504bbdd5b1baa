"""Google Cloud: queries of Cloud Logging."""
