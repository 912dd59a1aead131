"""The API keys of brands: `encryption` of what is stored, `in_use`: which key whose code uses,
`storage`: how an administrator sets and removes one.
"""
