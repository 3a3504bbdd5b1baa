"""What people get: alerts and their deliveries, and reports."""
