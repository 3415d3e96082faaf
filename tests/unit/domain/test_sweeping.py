"""What goes, and when: two looks at least, a day or a month apart."""

from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.sweeping import Sweep, sweep
from tests.unit.fakes import T0

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("gone", "age", "expected"),
    [
        pytest.param(False, None, Sweep.LEAVE, id="a client that is there"),
        pytest.param(False, 40 * DAY, Sweep.UNMARK, id="a client that came back"),
        pytest.param(True, None, Sweep.MARK, id="the first look at nobody"),
        pytest.param(True, -HOUR, Sweep.MARK, id="a mark of the future is made anew"),
        pytest.param(True, 23 * HOUR, Sweep.LEAVE, id="less than a day"),
        pytest.param(True, DAY, Sweep.DELETE_GRANT, id="a day"),
        pytest.param(True, 30 * DAY - HOUR, Sweep.DELETE_GRANT, id="less than a month: the claim stays"),
        pytest.param(True, 30 * DAY, Sweep.DELETE_ALL, id="a month"),
    ],
)
def test_what_goes(*, gone: bool, age: timedelta | None, expected: Sweep) -> None:
    """By this look, and by the mark of an earlier one."""
    assert sweep(gone=gone, marked=None if age is None else T0 - age, now=T0) is expected
