"""One class for each kind of AWS resource, all of one shape; see `Resource`.

What AWS refuses comes out as botocore's ClientError; the pipeline explains it.
"""
