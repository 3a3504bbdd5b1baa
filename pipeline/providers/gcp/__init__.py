"""Google Cloud: its projects, and folders and organisations with the projects in them."""
