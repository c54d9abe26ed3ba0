"""How Alembic runs a migration here: on the connection it is handed, inside that connection's transaction."""

from alembic import context

from tertulia.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
