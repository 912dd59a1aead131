"""Holds: one switch stops all sending of a brand, or of all brands; campaigns keep their states.

models: who held it, since when and why. switch: holding, releasing, and the conditions by which
nothing starts or leaves meanwhile.
"""
