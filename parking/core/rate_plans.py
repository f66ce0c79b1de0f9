"""One window's rate made ready: steps counted in units, tiers as steps, texts begun."""

from typing import Final

from parking.core.plan import NO_LIMIT, FlatPlan, FreePlan, RatePlan, StepPlan, UnitPlan
from parking.core.pricing_texts import PER_TEXTS, Wording, step_texts
from parking.core.tariff_rates import (
    FlatRate,
    NoCharge,
    Per,
    Rounding,
    TierRate,
    UnitRate,
    Window,
)

_FOREVER_MINUTES: Final = 2 * 366 * 24 * 60
"""Longer than any stay that is priced."""


def rate_plan(window: Window, wording: Wording, *, carries: bool) -> RatePlan:
    """Make the rate of a window ready."""
    label_zh, label_en = wording.labels(window)
    rate = window.rate
    if isinstance(rate, NoCharge):
        return FreePlan(text_zh=f"{label_zh}：不收费", text_en=f"{label_en}: not charged")
    if isinstance(rate, FlatRate):
        return _flat_plan(rate, label_zh, label_en, wording)
    if isinstance(rate, TierRate):
        return _tier_plan(rate, label_zh, label_en, wording)
    return _unit_plan(rate, label_zh, label_en, wording, carries=carries)


def rate_period(window: Window) -> Per:
    """For how long the rate of a window remembers what it has charged."""
    return Per.VISIT if isinstance(window.rate, NoCharge) else window.rate.per


def _flat_plan(rate: FlatRate, label_zh: str, label_en: str, wording: Wording) -> FlatPlan:
    price = wording.scaled(rate.price_minor)
    per_zh, per_en = PER_TEXTS[rate.per]
    return FlatPlan(
        price_minor=price,
        once_a_visit=rate.per is not Per.WINDOW,
        text_zh=f"{label_zh}：{per_zh} {wording.sum_zh(price)}",
        text_en=f"{label_en}: {wording.sum_en(price)} {per_en}",
    )


def _unit_plan(
    rate: UnitRate, label_zh: str, label_en: str, wording: Wording, *, carries: bool
) -> UnitPlan:
    steps: list[StepPlan] = []
    units_before = 0
    for step in rate.steps:
        lasts_minutes = step.lasts_minutes or NO_LIMIT * step.unit_minutes
        last_unit = units_before + lasts_minutes // step.unit_minutes
        when_zh, when_en = step_texts(step, first=not steps)
        price = wording.scaled(step.price_minor)
        minutes = step.unit_minutes
        steps.append(
            StepPlan(
                price_minor=price,
                unit_minutes=minutes,
                last_unit=last_unit,
                head_zh=f"{label_zh}{when_zh}：每 {minutes} 分钟 {wording.sum_zh(price)} × ",
                head_en=f"{label_en}{when_en}: {wording.sum_en(price)} per {minutes} min × ",
            )
        )
        units_before = last_unit
    round_up = rate.rounding is Rounding.UP
    return UnitPlan(steps=tuple(steps), round_up=round_up, carries=carries and round_up)


def _tier_plan(rate: TierRate, label_zh: str, label_en: str, wording: Wording) -> UnitPlan:
    """Turn totals into what each tier adds, as one unit as long as the tier."""
    steps: list[StepPlan] = []
    charged = until = 0
    for tier in rate.tiers:
        total = wording.scaled(tier.total_minor)
        ends = tier.up_to_minutes
        up_to_zh, up_to_en = (
            ("之后", "then") if ends is None else (f"{ends} 分钟内", f"up to {ends} min")
        )
        more = total - charged
        in_all_zh = f"{up_to_zh}共 {wording.sum_zh(total)}"
        in_all_en = f"{up_to_en} {wording.sum_en(total)} in all"
        steps.append(
            StepPlan(
                price_minor=more,
                unit_minutes=_FOREVER_MINUTES if ends is None else ends - until,
                last_unit=len(steps) + 1,
                head_zh=f"{label_zh}，{in_all_zh}：{wording.sum_zh(more)} × ",
                head_en=f"{label_en}, {in_all_en}: {wording.sum_en(more)} × ",
                code="tier",
            )
        )
        charged, until = total, ends or until
    # Who comes back to the window after the last tier has paid it all.
    over_zh, over_en = f"{label_zh}，已收足 × ", f"{label_en}, paid in full × "
    forever = _FOREVER_MINUTES
    steps.append(
        StepPlan(
            price_minor=0,
            unit_minutes=forever,
            last_unit=NO_LIMIT,
            head_zh=over_zh,
            head_en=over_en,
            code="tier",
        )
    )
    return UnitPlan(steps=tuple(steps), round_up=True)
