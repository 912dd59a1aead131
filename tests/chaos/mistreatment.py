"""What is done to the installation: kills, a queue that loses and doubles tasks, a database that
goes away.
"""

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from tests.chaos.installation import Installation

DROPPED, DOUBLED = 30, 10  # percent of the tasks
# After the insert, so that whoever queued the task believes that it is there. Which ones: by a hash
# of the row's id.
ON_POSTGRESQL = """
    CREATE TABLE chaos_queue (what text);
    CREATE FUNCTION chaos_queue() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE dice bigint := NEW.id * 2654435761 % 4294967296 * 100 / 4294967296;
    BEGIN
        IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
        IF dice < {dropped} THEN
            DELETE FROM django_q_ormq WHERE id = NEW.id;
            INSERT INTO chaos_queue VALUES ('dropped');
        ELSIF dice < {both} THEN
            INSERT INTO django_q_ormq (key, payload, lock) VALUES (NEW.key, NEW.payload, NEW.lock);
            INSERT INTO chaos_queue VALUES ('doubled');
        ELSE
            INSERT INTO chaos_queue VALUES ('kept');
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER chaos_queue AFTER INSERT ON django_q_ormq
        FOR EACH ROW EXECUTE FUNCTION chaos_queue();
"""
DICE = "NEW.id * 2654435761 % 4294967296 * 100 / 4294967296"
ON_SQLITE = f"""
    CREATE TABLE chaos_queue (what text);
    CREATE TRIGGER chaos_dropped AFTER INSERT ON django_q_ormq WHEN {DICE} < {{dropped}} BEGIN
        DELETE FROM django_q_ormq WHERE id = NEW.id;
        INSERT INTO chaos_queue VALUES ('dropped');
    END;
    CREATE TRIGGER chaos_doubled AFTER INSERT ON django_q_ormq
        WHEN {DICE} >= {{dropped}} AND {DICE} < {{both}} BEGIN
        INSERT INTO django_q_ormq (key, payload, lock) VALUES (NEW.key, NEW.payload, NEW.lock);
        INSERT INTO chaos_queue VALUES ('doubled');
    END;
    CREATE TRIGGER chaos_kept AFTER INSERT ON django_q_ormq WHEN {DICE} >= {{both}} BEGIN
        INSERT INTO chaos_queue VALUES ('kept');
    END;
"""


def queue_statements(sqlite: bool) -> str:
    """SQL that makes the queue lose and double tasks from now on, and count them."""
    return (ON_SQLITE if sqlite else ON_POSTGRESQL).format(dropped=DROPPED, both=DROPPED + DOUBLED)


@dataclass
class Killer:
    """Kills processes with SIGKILL: of one role, or with "" of each role about as often."""

    installation: Installation
    dice: random.Random
    only_role: str = ""
    killed: Counter[str] = field(default_factory=Counter)

    def strike(self) -> None:
        """Kill one process, of the role that had it least."""
        result = [
            process
            for process in self.installation.processes()
            if self.only_role in ("", process.role)
        ]
        if not result:
            return
        roles = sorted(
            {process.role for process in result},
            key=lambda role: (self.killed[role], self.dice.random()),
        )
        victim = self.dice.choice([process for process in result if process.role == roles[0]])
        with suppress(ProcessLookupError):
            if victim.pid:
                os.kill(victim.pid, signal.SIGKILL)
                self.killed[victim.role] += 1


Restart = Callable[[], str]  # restarts the database; how it was done


def run(command: str) -> str:
    """Restart the database by a command."""
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, timeout=120)
    return f"database: {command}"


def end_connections(server: str, name: str) -> str:
    """Have the server end every connection to the database `name` at once."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    return "database: all connections ended"
