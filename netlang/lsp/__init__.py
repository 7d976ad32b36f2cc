"""The language server: facts about texts, for every editor that has its protocol."""
