"""From a query to ranked photos: the query language and the searcher."""
