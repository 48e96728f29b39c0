"""The detector that comes with this package; see README.md beside this file."""
