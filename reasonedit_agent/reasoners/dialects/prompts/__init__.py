"""The words of prompts, one file per dialect."""
