"""Addresses that users type, fetched without a way into the internal network.

- hosts: which IP addresses may be connected to
- exchange: one HTTP request, over a connection to a checked IP address, until a deadline
- fetch: a GET with redirects, and its content up to a size

Nothing else may request an address that a user typed. The gateway, whose address the environment
names, has a client of its own.
"""
