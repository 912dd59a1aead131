"""Figures as people read them: shares in percent, and lengths of time."""
