"""What a notebook opens: `Lab`, and the run that it watches."""

from webhook_lab.lab.lab import Lab

__all__ = ["Lab"]
