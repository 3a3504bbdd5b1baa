"""What customers read: reports with improvement proposals, in Japanese and English."""
