"""Finding and measuring: what the embedded reasoner and the classical editor see of an image.

Each module is one idea: `saliency`, `detector`, `text`, `faces`, `sky`, `colour` and `embedding` answer one question
each, `masks` refines a mask, `measures` compares two images, and `locate` turns a noun phrase into a mask. Models load
on their first use, once per process; their weights come from `reasonedit_agent.weights`.
"""
