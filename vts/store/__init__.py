"""PostgreSQL: roles and connections, embedded server, migrations, drain."""
