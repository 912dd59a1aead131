"""How much memory a process has had (Linux)."""

from pathlib import Path


def high_water(process: int | str) -> float:
    """The most memory that a process has had since it began, or since somebody cleared the mark; in
    MB.

    What `getrusage` says instead counts the process that started it too.
    """
    values = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(values.partition("VmHWM:")[2].split()[0]) / 1024
