"""A page with an ECG on paper."""

import pytest

from tests.review.paper.papers import open_page


@pytest.fixture(scope="module")
def desktop(browser):
    page = open_page(browser, viewport={"width": 2300, "height": 1400})
    yield page
    page.close()


@pytest.fixture
def page(desktop):
    """A page wide enough for ten seconds at 50 mm/s, on which nothing has gone wrong."""
    desktop.bring_to_front()
    desktop.problems.clear()
    yield desktop
    assert not desktop.problems
