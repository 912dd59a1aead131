"""What is kept as the proof of consent.

- wordings: the texts that persons agreed to
- history: the records of a person's consent
- mapping: which consents an import writes
- imported_consents: writing those of a slice of an import
"""
