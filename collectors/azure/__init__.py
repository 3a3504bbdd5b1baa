"""Azure subscriptions and Entra ID directories -> assets."""
