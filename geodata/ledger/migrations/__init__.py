"""Steps that bring a database to the tables as they are declared, by Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from geodata.ledger.tables import metadata

HERE = Path(__file__).parent


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["target_metadata"] = metadata
    return config


@cache
def newest() -> str:
    """The last step that this program knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def known(step: str) -> bool:
    """Whether a database at that step is no newer than this program."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return not step or step in {one.revision for one in steps}


def standing(connection: Connection) -> str:
    """The last step that a database has taken; "" for an empty one."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: Connection) -> None:
    """Take the steps that lack, in the caller's transaction."""
    if standing(connection) != newest():
        command.upgrade(_config(connection), "head")
