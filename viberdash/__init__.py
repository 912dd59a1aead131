"""The site: settings, addresses and server entry points; nothing of the domain."""

__version__ = "0.2.0"
