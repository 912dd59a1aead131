"""Backups of an installation, and how they are restored."""
