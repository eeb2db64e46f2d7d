import pytest

from sklearn_ecg.cleaning._discriminators import ForestDiscriminator

OF_THE_DEFAULTS = {"test_bayes", "test_cleaner_properties", "test_posterior"}


@pytest.fixture(scope="module", autouse=True)
def small_forests(request):
    """Grow a quarter of the trees but where tests say how good the defaults are."""
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__ not in OF_THE_DEFAULTS:
            patch.setattr(ForestDiscriminator.__init__, "__defaults__", (50, None))
        yield
