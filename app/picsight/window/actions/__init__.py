"""Actions of the user, independent of the page: keys, menus, files shown in their folder."""
