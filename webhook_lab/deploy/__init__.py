"""What turns resources into a deployment: names, ledger, packages, preflight and sweep."""
