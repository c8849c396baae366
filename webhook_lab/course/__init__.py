"""The course: its chapters as data, and the checks that ask the services whether a claim holds."""
