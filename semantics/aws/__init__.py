"""AWS: policy documents, effective permissions, filter patterns."""
