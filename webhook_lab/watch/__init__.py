"""What can be seen of a run from outside: log lines, one message's timeline. Yields rows, draws nothing."""
