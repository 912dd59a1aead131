"""The frequency cap of the brand, in Settings, and that of a single campaign."""
