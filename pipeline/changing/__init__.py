"""Changes: plans and votes on them, carried out, verified, and rolled back."""
