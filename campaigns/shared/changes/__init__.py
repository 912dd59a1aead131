"""Changes that other systems are told of: recorded by every stage, read by `events`.

models: the table. recording: what stages call, in the transaction of the change. numbering: gives
each committed change its place in the one order in which readers see it.
"""
