"""What a notebook shows: cards of what stands, the picture of the pipeline, and errors that were expected."""
