"""A bad input for every public function; `make stress` tries all kinds of them."""

import pytest

from faults import campaign
from faults.cases import verdict

QUICK = campaign.quick_cases()


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_a_bad_input_is_told_or_answered_right(case):
    found, text = verdict(case)
    assert found in case.expected, text


def test_every_public_function_has_cases():
    tried = {case.function for case in campaign.all_cases()}
    assert tried == campaign.public_functions()


def test_cases_are_told_apart():
    names = [str(case) for case in campaign.all_cases()]
    assert len(set(names)) == len(names) > 1000
