"""Rules: what a task reports of the tracked objects (Table G.8).

The place of an object is its foot point, the middle of the lower edge of its box. In a polygon it
counts once for each stay, over a line once for each passage. `areas` puts the areas of a rule on
the grid of the picture, `presence` and `passage` are what one object did with one area,
`evaluator` keeps them for all objects of a task. Pure: the time is passed in.
"""

from cad.analysis.pipeline.rules.evaluator import Hit, RuleEvaluator

__all__ = ["Hit", "RuleEvaluator"]
