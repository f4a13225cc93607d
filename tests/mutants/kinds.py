"""The kinds of small mistakes that are planted: cosmic-ray's operators, and three of our own.

Of cosmic-ray's replacements of one operator by each of ten others, those are taken that a person
could write by mistake. It leaves whole statements, augmented assignments and the choice
between min and max alone; they are added here through its own base class.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import parso
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator

Node = Any  # of parso, whose types leave most of a tree out
Position = tuple[tuple[int, int], tuple[int, int]]

_BINARY = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_FloorDiv", "Pow_Mul",
           "RShift_LShift", "LShift_RShift", "BitOr_BitAnd", "BitAnd_BitOr")  # fmt: skip
_COMPARISON = ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "Lt_LtE", "Lt_GtE", "LtE_Lt",
               "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt")  # fmt: skip
_OTHERS = ("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not",
           "ReplaceUnaryOperator_Delete_Invert", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue",
           "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceBreakWithContinue",
           "ReplaceContinueWithBreak", "NumberReplacer", "ZeroIterationForLoop",
           "AddNot")  # fmt: skip


class _Own(Operator):  # type: ignore[misc] # cosmic-ray has no types
    """What the kinds of our own share: one change per node, found by :meth:`wanted`."""

    @abstractmethod
    def wanted(self, node: Node) -> bool:
        """Whether ``node`` can be changed."""

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        """The one position of a node that can be changed."""
        if self.wanted(node):
            yield node.start_pos, node.end_pos

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """None: cosmic-ray's own tests use them."""
        return ()


class DropStatement(_Own):
    """An assignment or a call that stands alone becomes ``pass``."""

    def wanted(self, node: Node) -> bool:
        inside = parso.tree.search_ancestor(node, "funcdef") is not None
        alone = node.parent is not None and node.parent.type == "simple_stmt"
        call = node.type == "atom_expr" and node.get_last_leaf().value == ")"
        return inside and alone and (call or node.type == "expr_stmt")

    def mutate(self, node: Node, index: int) -> Node:
        del index
        return _leaf(node, "pass")


class SwapAugmented(_Own):
    """``+=`` becomes ``-=`` and so on."""

    signs: ClassVar = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "|=": "&=", "&=": "|="}

    def wanted(self, node: Node) -> bool:
        return node.type == "operator" and node.value in self.signs

    def mutate(self, node: Any, index: int) -> Node:
        del index
        return _leaf(node, self.signs[node.value])


class SwapExtreme(_Own):
    """``min(`` becomes ``max(`` and the other way round."""

    names: ClassVar = {"min": "max", "max": "min"}

    def wanted(self, node: Node) -> bool:
        following = node.get_next_leaf() if node.type == "name" else None
        return following is not None and node.value in self.names and following.value == "("

    def mutate(self, node: Any, index: int) -> Node:
        del index
        return _leaf(node, self.names[node.value])


def _leaf(node: Node, text: str) -> Node:
    before = node.get_first_leaf().prefix
    return parso.python.tree.Name(text, node.start_pos, prefix=before)


def kinds() -> dict[str, Operator]:
    """Name -> operator, of all kinds that are planted."""
    names = [f"ReplaceBinaryOperator_{name}" for name in _BINARY]
    names += [f"ReplaceComparisonOperator_{name}" for name in _COMPARISON]
    found = {name: get_operator(f"core/{name}")() for name in (*names, *_OTHERS)}
    return found | {one.__name__: one() for one in (DropStatement, SwapAugmented, SwapExtreme)}
