"""Pages and forms in a brand."""
