"""What a new customer does in their cloud, and whether it worked."""
