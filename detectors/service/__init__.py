"""What the service notices of itself: that a tenant's logs flood it, and that a source has fallen silent."""
