"""The BSG API: types, payload, client, parsing, errors; and the sandbox, a server that speaks the
same contract.

A leaf: it imports no stage, and nothing else in the project knows HTTP or the gateway's JSON.
"""
