"""Azure: signing in, reading and writing by Resource Manager, Resource Graph and Microsoft Graph."""
