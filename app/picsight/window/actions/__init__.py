"""What a person can do, apart from where: keys, menus, files shown in their folder."""
