"""Google Cloud: signing in, reading by Cloud Asset, writing by the services' REST interfaces."""
