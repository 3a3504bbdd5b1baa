"""Child processes with limits on memory, CPU and time: what runs there can end nothing but itself."""
