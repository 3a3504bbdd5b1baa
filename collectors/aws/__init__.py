"""AWS resource types (`types/`) and the one engine that reads them."""
