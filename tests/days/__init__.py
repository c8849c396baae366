"""AWS's days: what a real account does and the local cloud does not, as a layer under any test or notebook.

One scenario is one small object over botocore's events: `scenarios` has the base and the composition,
`normal` the normal day, `kernel` the way in for notebooks, `clocks` the time that they go by.
"""
