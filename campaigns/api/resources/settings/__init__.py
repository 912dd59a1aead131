"""What administrators set for the brand of the token."""
