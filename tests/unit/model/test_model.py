"""Thousands of schedules of everything that befalls the write protocol, judged by what the servers saw."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.model.machine import Protocol

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("CITRIX_OAUTH_MODEL_EXAMPLES", "700"))

SHRINK = os.environ.get("CITRIX_OAUTH_MODEL_SHRINK", "1") == "1"  # a planted fault need not be told briefly


def test_no_schedule_loses_a_token_or_sends_one_twice_without_a_recorded_doubt() -> None:
    """Invariants 1-6, 10-12 and 13 (sign-ins); the same schedules each time, more by CITRIX_OAUTH_MODEL_EXAMPLES."""
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            derandomize=True,
            deadline=None,
            print_blob=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink] if SHRINK else [Phase.generate],
        ),
    )
