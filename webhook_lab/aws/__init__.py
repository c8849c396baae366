"""The AWS that a lab talks to: which one, with what credentials, and every call made to it."""
