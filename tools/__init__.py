"""Commands for those who change the project: the Makefile calls each as `python -m tools.NAME`."""
