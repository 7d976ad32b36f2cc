"""Pictures of networks: what is shown, where it goes, and how it looks."""
