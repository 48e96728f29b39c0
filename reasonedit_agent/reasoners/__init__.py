"""Reasoners: dialects (pure text to typed values and back) times backends (who is called)."""
