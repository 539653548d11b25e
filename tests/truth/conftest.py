from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
