"""The audit trail on the web: what it learns of requests, files that are downloaded, and the page
under Settings that searches it.
"""
