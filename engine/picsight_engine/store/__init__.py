"""The library's databases: schema, migrations and every SQL statement, one file per aggregate."""
