"""What Alembic runs around its steps: always on a connection that we hand it."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes["target_metadata"],
    # SQLite cannot alter most of a table: Alembic copies it.
    render_as_batch=True,
)
context.run_migrations()
