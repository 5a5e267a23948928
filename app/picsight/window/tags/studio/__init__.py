"""The page that makes or changes a tag: words and examples, preview, borderline photos and threshold."""
