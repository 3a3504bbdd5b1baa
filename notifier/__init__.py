"""Facts about findings into alerts and deliveries: stages in a row, channels as files."""
