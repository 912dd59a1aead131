"""What is wrong around a command (database, Redis, disk) ends it with one line: what to do.

Other exceptions are faults of the code, and keep their traceback. So does everything with
`--traceback`.
"""

import errno
import re
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import Error, InterfaceError, OperationalError
from redis.exceptions import RedisError

ENCODED = "special characters of the password are percent-encoded (@ is %40, / is %2F)"
ROLES = "docs/production.md explains it under Database"
# from texts of PostgreSQL, libpq and SQLite; the first that fits
DATABASE_ADVICE = {
    "password authentication failed|no password supplied": (
        f"Correct the user and the password in DATABASE_URL; {ENCODED}."
    ),
    'role ".*" does not exist': f"Create this user, or correct it in DATABASE_URL; {ROLES}.",
    'database ".*" does not exist': f"Create it, or correct its name in DATABASE_URL; {ROLES}.",
    "resolve host|translate host": (
        f"Correct the host in DATABASE_URL. If this is a part of the password: {ENCODED}."
    ),
    "connection refused|no such file or directory|timeout|timed out|no route to host": (
        "Start the database, or correct its host and port in DATABASE_URL."
    ),
    r"pg_hba\.conf": "Allow this user, database and machine in PostgreSQL's pg_hba.conf.",
    "too many (clients|connections)|connection slots": (
        "Raise PostgreSQL's max_connections, or lower WORKERS, WEB_WORKERS and WEB_THREADS."
    ),
    "collation .* for encoding": (
        f"Create the database with --encoding UTF8 and --template template0; {ROLES}."
    ),
    "starting up|shutting down|recovery mode|database is locked|deadlock": "Try again in a moment.",
    "disk is full|no space left": "Free space on the disk of the database, and try again.",
    "readonly|read-only|unable to open database file": (
        "Run the command as the user that the installation runs as. The database and its folder"
        " have to be writable for it, on a disk that is not mounted read-only."
    ),
    "or later is required": (
        "Upgrade PostgreSQL, or name a database of a newer one in DATABASE_URL."
    ),
    "was moved to PostgreSQL": (
        "Name that database in DATABASE_URL. To use this one again: manage.py move --back"
        " (docs/scaling.md)."
    ),
    "move from SQLite is not finished": "Start manage.py move with the SQLite database again.",
    "not a database|malformed": "Restore the database from a backup.",
    "permission denied|must be owner": (
        "Run the command with the owner of the tables in DATABASE_URL; docs/production.md explains"
        " it under Two roles."
    ),
    "no such (table|column)|(relation|column) .* does not exist": "Run manage.py prepare first.",
}
USUAL_ADVICE = "Look whether the database runs, and whether DATABASE_URL is correct."
FILE_ADVICE = {
    errno.ENOSPC: "Free space on this disk, and try again.",
    errno.EDQUOT: "Free space on this disk, and try again.",
    errno.EROFS: "Mount this disk writable, or name another folder in .env.",
    errno.ENOTDIR: "A part of this path is a file: name another folder.",
    errno.EACCES: "Run the command as the user that the installation runs as.",
    errno.EPERM: "Run the command as the user that the installation runs as.",
}


def execute(arguments: list[str]) -> None:
    """Run a command of `manage.py`, and exit with 1 and one line if its surroundings fail."""
    try:
        execute_from_command_line(arguments)
    except (Error, RedisError, OSError) as fault:
        line = explain(fault)
        if not line or "--traceback" in arguments:
            raise
        sys.exit(line)


def explain(fault: Exception) -> str:
    """One line with the cause and what to do, or an empty string for a fault of the code."""
    if isinstance(fault, OSError):
        return _explain_file(fault)
    if isinstance(fault, RedisError):
        return f"Redis can't be used: {_cause(fault)}. Start it, or correct REDIS_URL."
    advice = _database_advice(fault)
    place = f" {settings.DATABASES['default']['NAME']}" if settings.SQLITE else ""
    return advice and f"The database{place} can't be used: {_cause(fault)}. {advice}"


def explain_database(fault: Exception, option: str) -> str:
    """`explain` for the database that `option` of a command names, instead of DATABASE_URL."""
    advice = _database_advice(fault).replace("DATABASE_URL", option)
    return advice and f"The database of {option} can't be used: {_cause(fault)}. {advice}"


def _cause(fault: Exception) -> str:
    return (str(fault).strip() or type(fault).__name__).splitlines()[0].rstrip(".")


def _explain_file(fault: OSError) -> str:
    advice = FILE_ADVICE.get(fault.errno or 0, "")
    return advice and f"{fault.filename or 'A file'}: {fault.strerror}. {advice}"


def _database_advice(fault: Exception) -> str:
    for sign, advice in DATABASE_ADVICE.items():
        if re.search(sign, str(fault), re.IGNORECASE):
            return advice
    return USUAL_ADVICE if isinstance(fault, OperationalError | InterfaceError) else ""
