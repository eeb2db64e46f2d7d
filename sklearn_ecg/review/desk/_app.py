"""create_app: the desk as an ASGI application."""

import asyncio
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from sklearn_ecg.review.desk._api import Api
from sklearn_ecg.review.desk._guard import Guard, as_response
from sklearn_ecg.review.desk._pages import Pages, read_words
from sklearn_ecg.review.desk._refusal import Refusal
from sklearn_ecg.review.desk._sessions import Sessions
from sklearn_ecg.review.desk._work import Work
from sklearn_ecg.review.queue._queue import ReviewQueue
from sklearn_ecg.utils import check_option

_SYNC_S = 2
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def create_app(
    queue,
    *,
    readers=None,
    with_tokens=False,
    hosts=LOOPBACK,
    show_ids=False,
    patient=False,
    language=None,
    refit_every=25,
) -> Starlette:
    """Return the desk as an ASGI application, for `serve` or any ASGI server.

    Parameters
    ----------
    queue : ReviewQueue
        The questions and answers.
    readers : list of str, default=None
        Names of those who may sign in; by default anybody may.
    with_tokens : bool, default=False
        Whether each reader needs a token besides the name. Must be True if other machines can reach
        the desk.
    hosts : sequence of str, default=("127.0.0.1", "localhost", "::1")
        Host names of the desk. Requests with another name are refused, because another site could
        point its name to this machine.
    show_ids : bool, default=False
        Whether readers see the ids of records, and not their numbers in the queue.
    patient : bool, default=False
        Whether readers see age and sex.
    language : str, default=None
        "en", "de" or "zh"; by default the browser's. A reader can choose another.
    refit_every : int, default=25
        The cleaner is fitted again after this many answers, in another process; 0 for never.

    Returns
    -------
    Starlette
        ``app.state.sessions.token_of(reader)`` is a reader's token.

    Raises
    ------
    TypeError
        If `queue` is not a ReviewQueue, or a list of names is a text.
    ValueError
        If a name is not valid, the language is unknown, or `refit_every` is negative.

    See Also
    --------
    serve : Serves the application; ``sklearn-ecg review`` does the same.

    Examples
    --------
    >>> from sklearn_ecg.review import ReviewQueue, create_app
    >>> app = create_app(ReviewQueue("queue.sqlite"))  # doctest: +SKIP
    """
    if language is not None:
        check_option(language, tuple(read_words()), "language")
    if not isinstance(queue, ReviewQueue):
        raise TypeError(f"queue must be a ReviewQueue; got {type(queue).__name__}.")
    for name, names in {"readers": readers, "hosts": hosts}.items():
        if isinstance(names, str):
            raise TypeError(f"{name} must be a list of names; got the text {names!r}.")
    if isinstance(refit_every, bool) or not isinstance(refit_every, int) or refit_every < 0:
        raise ValueError(f"refit_every must be a whole number, not negative. Got {refit_every!r}.")
    sessions = Sessions(queue, readers, with_tokens)
    work = Work(queue, refit_every)
    api = Api(work, sessions, show_ids=show_ids, patient=patient)
    pages = Pages(work, sessions, language=language)

    @asynccontextmanager
    async def lifespan(app):
        syncing = asyncio.create_task(work.every(_SYNC_S, sessions.sync))
        yield
        syncing.cancel()
        work.close()

    async def refuse(request, refusal):
        is_page = "text/html" in request.headers.get("accept", "")
        is_page = is_page and not request.url.path.startswith(("/api/", "/static/"))
        return pages.error(request, refusal) if is_page else as_response(refusal)

    async def refuse_address(request, error):
        said = "There is no such page." if error.status_code == 404 else "That cannot be done here."
        what_to_do = "Open the desk as the command has printed it."
        refusal = Refusal(error.status_code, said, what_to_do, headers=error.headers)
        return await refuse(request, refusal)

    app = Starlette(
        routes=[*pages.routes, *api.routes],
        middleware=[Middleware(Guard, hosts=hosts, sessions=sessions)],
        exception_handlers={Refusal: refuse, HTTPException: refuse_address},
        lifespan=lifespan,
    )
    # A redirect would use the host name of the request.
    app.router.redirect_slashes = False
    app.state.sessions = sessions
    return app
