"""Label selectors, evaluated as the API server does (labels.Selector)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .fields import Fields


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of a selector: key, operator (In, NotIn, Exists, DoesNotExist), values."""

    key: str
    operator: str
    values: frozenset[str]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet the requirement; an absent key meets NotIn and DoesNotExist."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A `metav1.LabelSelector`; an empty one matches everything."""

    requirements: tuple[Requirement, ...]

    @classmethod
    def parse(cls, selector: Mapping[str, object]) -> LabelSelector:
        """Parse `matchLabels` and `matchExpressions`.

        Raises:
            FieldError: an operator that does not exist, and what else is wrong.
        """
        fields = Fields(selector, "spec.allowedNamespaces.selector")
        equal = [Requirement(k, "In", frozenset({str(v)})) for k, v in fields.mapping("matchLabels").items()]
        expressions = selector.get("matchExpressions") or []
        if not isinstance(expressions, list):
            fields.note(fields.path("matchExpressions"), "is not a list", "see `kubectl explain`")
            expressions = []
        others = [_expression(fields.entry("matchExpressions", entry)) for entry in expressions]
        fields.check()
        return cls((*equal, *others))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every requirement is met."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def _expression(fields: Fields) -> Requirement:
    operator = fields.text("operator") or ""
    if operator not in {"In", "NotIn", "Exists", "DoesNotExist"}:
        fields.note(fields.path("operator"), "is no operator", "use In, NotIn, Exists or DoesNotExist")
    return Requirement(fields.text("key") or "", operator, frozenset(fields.texts("values")))
