"""A scan: which places, what is seen there, what is judged, what is recorded."""
