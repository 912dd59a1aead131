"""Tokens of the API: what they may do and from where, and the answers that repeated requests get.

token_text: how a token is written. tokens: making and revoking them. authentication: whose token a
request has. models: also the answers and counts that `campaigns/api` keeps.
"""
