"""A lot's rules: every one bounded, every default within."""

import pytest
from msgspec.structs import replace

from parking.core.place import StayRules
from parking.core.rule_checks import BOUNDS, rule_mistakes


def test_every_rule_has_bounds_and_a_default_within_them() -> None:
    switches = {name for name in StayRules.__struct_fields__ if getattr(StayRules(), name) is False}
    assert set(BOUNDS) == set(StayRules.__struct_fields__) - switches
    assert list(rule_mistakes(StayRules())) == []


@pytest.mark.parametrize("name", BOUNDS)
def test_a_rule_out_of_its_bounds_is_named_with_its_mend(name: str) -> None:
    bounds = BOUNDS[name]
    for value in (bounds.least - 1, bounds.most + 1):
        (mistake,) = rule_mistakes(replace(StayRules(), **{name: value}))
        assert mistake.startswith(f"{name} is {value}, it must be from")
        assert bounds.why in mistake
    for value in (bounds.least, bounds.most):
        assert list(rule_mistakes(replace(StayRules(), **{name: value}))) == []
