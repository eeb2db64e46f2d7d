"""Work that is killed, meets a full disk or may not write; `make stress` does so 200 times."""

import pytest

from faults import interruptions
from faults.interruptions import TARGETS

# The others take seconds each; `make stress` interrupts them.
QUICK = [target for target in TARGETS if "older one" in target.name]


@pytest.fixture(scope="module", autouse=True)
def _prepared():
    interruptions.prepare(QUICK)


@pytest.mark.parametrize("target", QUICK, ids=lambda target: target.name)
@pytest.mark.parametrize("moment", [0.3, 0.9])
def test_work_survives_a_kill(target, moment):
    _, problem = interruptions.kill(target, moment, by_step=True)
    assert not problem


@pytest.mark.parametrize("target", QUICK[::2], ids=lambda target: target.name)
def test_a_full_disk_is_told_and_costs_nothing(target):
    assert not interruptions.fill_disk(target, 1000)


@pytest.mark.parametrize("target", QUICK[::2], ids=lambda target: target.name)
def test_a_folder_without_permission_is_told(target):
    assert not interruptions.deny(target)
