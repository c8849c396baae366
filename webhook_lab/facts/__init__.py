"""Numbers that somebody else decides, each stated once, with its source and the month it was checked."""

from webhook_lab.facts.fact import CHECKED, Fact, spoken

__all__ = ["CHECKED", "Fact", "spoken"]
