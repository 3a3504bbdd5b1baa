"""What the clouds' own languages mean: policy documents, filters, network rules, flags. Pure."""
