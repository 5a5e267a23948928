"""The panel beside wall and viewer: facts about the chosen photos, and links to similar ones."""
