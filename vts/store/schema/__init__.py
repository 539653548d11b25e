"""What the database is made of: migrations, roles, daily partitions, and the checks of `vts doctor`."""
