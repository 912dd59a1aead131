"""What stops a backup or a restore."""


class Refused(Exception):  # noqa: N818 - reads as what it is
    """A backup or restore can't go on; the text says why, and what to do."""
