"""What to offer while a person types a query."""
