"""The scenarios of the bench: when events come in a night, and what else is there (field notes C.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import plans
from shapes import Rng


@dataclass(frozen=True)
class Scenario:
    """One pattern of nights.

    Attributes
    ----------
    name
        As the tables call it.
    plan
        Plans the sleeper's own events from chance, length in seconds and smallest peak in mg.
    around
        Names from `surroundings.SURROUNDINGS`.
    drift_mg
        Largest drift, in mg a minute.
    partner_per_hour
        Movements of a second sleeper, felt at 0.2 to 0.33 of their strength; they count neither way.
    """

    name: str
    plan: Callable[[Rng, float, float], list[plans.Planned]]
    around: tuple[str, ...] = ()
    drift_mg: float = 0.05
    partner_per_hour: float = 0.0


_RANDOM = partial(plans.poisson, per_hour=60.0)
_EVERYTHING = ("hum", "washer", "trucks", "weak_steps")

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("every-3-5s", partial(plans.every, from_s=3.0, to_s=5.0)),
        Scenario("every-20-30s", partial(plans.every, from_s=20.0, to_s=30.0)),
        Scenario("bouts", plans.bouts),
        Scenario("onset-weighted", partial(plans.weighted, per_hour=60.0, early=4.0, late=0.2)),
        Scenario("last-two-hours", partial(plans.weighted, per_hour=60.0, early=0.2, late=4.0)),
        Scenario("whole-bed", plans.whole_bed),
        Scenario("poisson-20", partial(plans.poisson, per_hour=20.0)),
        Scenario("poisson-60", _RANDOM),
        Scenario("poisson-120", partial(plans.poisson, per_hour=120.0)),
        Scenario("limb-movements", plans.limb_movements),
        Scenario("turns", plans.turns),
        Scenario("two-twitches", plans.pairs),
        Scenario("hum", _RANDOM, ("hum",)),
        Scenario("washer", _RANDOM, ("washer",)),
        Scenario("trucks", _RANDOM, ("trucks",)),
        Scenario("walker", _RANDOM, ("weak_steps", "strong_steps")),
        Scenario("doors", _RANDOM, ("doors",)),
        Scenario("partner", _RANDOM, partner_per_hour=30.0),
        Scenario("drift", _RANDOM, drift_mg=6.0),
        Scenario("quiet", plans.nothing, ("trucks",)),
        Scenario("house", plans.nothing, _EVERYTHING),
    )
}
