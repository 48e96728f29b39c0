"""Acceptance set: real photos, hand-made regions and numeric expectations, scored without any code of the library."""
