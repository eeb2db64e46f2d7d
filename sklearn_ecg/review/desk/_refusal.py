"""The desk's reply to a request that it refuses."""


class Refusal(Exception):
    """A request that is refused, in two sentences that the page can show.

    Parameters
    ----------
    status : int
        HTTP status.
    error : str
        The problem, in one sentence.
    what_to_do : str
    headers : dict of str, default=None
    **about
        Further content of the reply.
    """

    def __init__(self, status, error, what_to_do, headers=None, **about):
        super().__init__(error)
        self.status = status
        self.headers = headers
        self.content = {"error": error, "what_to_do": what_to_do, **about}
