"""The embedded Reasoner: a grammar and small models instead of a language model."""
