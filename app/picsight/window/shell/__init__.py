"""The window as a whole: its frame, its pages, and the controllers that connect several rooms."""
