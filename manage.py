#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists what ViberDash adds to it."""

import sys

from viberdash.environment import load_settings

if __name__ == "__main__":
    load_settings()
    from viberdash.command_line import execute  # after the settings

    execute(sys.argv)
