"""A desk with a queue of its own: as an application, and as a page in a browser."""

import pytest

from sklearn_ecg.review import create_app
from tests.review.desk.asgi_client import Client
from tests.review.queues import ecg_queue_at


@pytest.fixture
def queue(tmp_path):
    return ecg_queue_at(tmp_path / "queue.sqlite")


@pytest.fixture
def app(queue):
    return create_app(queue, refit_every=0)


@pytest.fixture
def anna(app):
    client = Client(app)
    assert client.sign_in("anna").status == 303
    return client


@pytest.fixture
def desk(tmp_path):
    # Not above: where the extra [review] is not installed, other tests run all the same.
    from tests.review.desk.live_desk import LiveDesk

    served = LiveDesk(ecg_queue_at(tmp_path / "queue.sqlite")).start()
    yield served
    served.stop()


@pytest.fixture
def context(browser):
    made = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    yield made
    # A request that is being changed as the test ends is nobody's fault.
    for opened in made.pages:
        opened.unroute_all(behavior="ignoreErrors")
    made.close()


@pytest.fixture
def page(desk, context):
    return desk.sign_in(context)
