"""The sidebar: folders, tags and saved searches."""
