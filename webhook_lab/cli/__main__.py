"""`python -m webhook_lab.cli` is `webhook-lab`, for where the script is not on the PATH."""

from webhook_lab.cli import main

main(prog_name="webhook-lab")
