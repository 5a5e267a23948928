"""What a query's conditions ask of the database: the photos that pass them."""
