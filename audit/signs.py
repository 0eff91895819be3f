"""Which measures of an anchor audit passed a threshold of the profile. Heuristics, shown with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.anchor_audit import ClassShare, Level, Repeated, Sign, Velocity
from audit.profile import Thresholds

EVIDENCE = {
    "exact_share": "weak: a study of 2012 saw hits from 65 % money anchors on and almost none below 50 %; "
    "1 to 5 % in blogs has no source",
    "money_share": "weak: a practitioners' rule of 65 to 35, and the same study of 2012",
    "exact_above_competitors": "reasoned: no study",
    "repeated_anchor": "reasoned: no study",
    "money_velocity": "a statistical test of the counts; that such a rise matters is reasoned, no study",
}
"""Of each sign, what is known about its threshold; sources in docs/audits.md."""


def signs(
    classes: Mapping[str, ClassShare],
    repeated: Sequence[Repeated],
    velocity: Velocity | None,
    medians: Mapping[str, float],
    bounds: Thresholds,
) -> tuple[Sign, ...]:
    """The signs there are, warnings first. Only to be asked for where there is enough data.

    Args:
        classes: classes and views by name.
        repeated: wordings that are no brand, largest first.
        medians: the competitors' median shares by name; {} without any.
    """
    found: list[Sign | None] = []
    exact, money = classes["exact"], classes["money"]
    for name, said, share, notice, warn in (
        ("exact_share", "exact anchors", exact.share_domains_split, bounds.exact_notice, bounds.exact_warn),
        ("money_share", "money anchors (exact and partial)", money.share_domains_split, bounds.money_notice,
         bounds.money_warn),
    ):  # fmt: skip
        found.append(_above(name, share, notice, warn, f"{said} are {share:.1%} by referring domains"))
    median = medians.get("exact")
    if median:
        times = exact.share_domains_split / median
        enough = exact.domains >= bounds.rival_warn_domains
        found.append(
            _above(
                "exact_above_competitors",
                times,
                bounds.rival_notice,
                bounds.rival_warn if enough else float("inf"),
                f"exact anchors are {times:.1f} times the competitors' median of {median:.1%}",
                as_share=False,
            )
        )
    if repeated:
        top = repeated[0]
        said = f'the anchor "{top.anchor}" is used by {top.share_domains:.1%} of the referring domains'
        found.append(_above("repeated_anchor", top.share_domains, bounds.repeated_notice, bounds.repeated_warn, said))
    if velocity is not None and velocity.p is not None and velocity.p < bounds.velocity_p:
        said = (
            f"{velocity.last_30} referring domains new with a money anchor in 30 days, where "
            f"{velocity.before_180_per_30:.1f} were usual (p = {velocity.p:.1g}, below {bounds.velocity_p:g})"
        )
        found.append(Sign("money_velocity", "warn", velocity.p, bounds.velocity_p, said, EVIDENCE["money_velocity"]))
    every = [one for one in found if one is not None]
    return tuple(sorted(every, key=lambda one: one.level != "warn"))


def _above(name: str, value: float, notice: float, warn: float, said: str, *, as_share: bool = True) -> Sign | None:
    """A sign where the value is above one of the two bounds; equal is not above."""
    if not value > min(notice, warn):
        return None
    level: Level = "warn" if value > warn else "notice"
    bound = warn if level == "warn" else notice
    shown = f"{bound:.0%}" if as_share else f"{bound:g} times"
    return Sign(name, level, value, bound, f"{said}, above {shown}", EVIDENCE[name])
