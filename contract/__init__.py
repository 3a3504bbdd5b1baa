"""The terms of service as pure decisions: values in, values out."""
