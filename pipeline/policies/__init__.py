"""Which policies there are: ours, those of a tenant's own, and which of them are asked for."""
