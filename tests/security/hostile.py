"""What a hostile user logs: strategies for Hypothesis, and texts that are code. Asserts nothing."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

NASTY = (
    "<img src=x onerror=boom()>",
    "</script><script>boom()</script>",
    "<svg/onload=boom()>",
    "${boom()}{{boom()}}#{boom()}<%= boom() %>",
    "javascript:boom()",
    "'\"><b onmouseover=boom()>x</b>",
    "\u2028\u2029\u0000\x1b[31m\u202e",
    "../../../etc/passwd",
    "{{constructor.constructor('boom()')()}}",
    "`+boom()+`",
    "]]><!--",
    "&lt;b&gt;",
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(1 << 62), max_value=1 << 62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "NaN", "Infinity", *NASTY]),
    st.text(max_size=20),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NASTY), st.text(max_size=10)), inner, max_size=4),
    ),
    max_leaves=12,
)
"""Any JSON."""


def deep(levels: int) -> Any:
    """A list in a list in a list …."""
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return found


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """A value with some of its parts replaced by anything, taken away, or added to."""
    if draw(st.integers(0, 6)) == 0:
        return draw(anything)
    if isinstance(whole, dict):
        found = {key: draw(damaged(value)) for key, value in whole.items()}
        if found and draw(st.integers(0, 8)) == 0:
            del found[draw(st.sampled_from(sorted(found)))]
        if draw(st.integers(0, 12)) == 0:
            found[draw(st.text(max_size=8))] = draw(anything)
        return found
    if isinstance(whole, list):
        return [draw(damaged(value)) for value in whole] + draw(st.lists(anything, max_size=1))
    return whole


def thorough(examples: int) -> settings:
    """So many examples, and 50 times as many under `--hypothesis-profile=long`.

    What fails is printed with what makes it again.
    """
    default: settings = settings.default  # type: ignore[assignment] # it is one, once loaded
    return settings(
        max_examples=max(1, examples * default.max_examples // 100),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
