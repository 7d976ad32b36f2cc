"""Facts about a text that is being edited: records without the types of any editor."""
