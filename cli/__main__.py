"""`python -m cli` is `hinomi`."""

from cli.main import main

main()
