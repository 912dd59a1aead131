"""Brands: the one that the running code acts for, and managers that return its rows alone."""
