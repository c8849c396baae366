"""One module per AWS resource, the same verbs in each: ensure, describe, delete.

`ensure_*` looks, creates what is absent and changes only what differs; it may be repeated after a kill at any
point, since the tags travel inside the request that creates. `describe_*` and `delete_*` take `tags` too: a
resource that does not carry them is then as good as absent. What AWS refuses comes out as botocore's
ClientError; the pipeline explains it.
"""
