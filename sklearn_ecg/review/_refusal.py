"""What the desk answers to a request that it does not fulfil."""


class Refusal(Exception):
    """A request that is refused, in two sentences that the page can show.

    Parameters
    ----------
    status : int
        Of HTTP.
    error : str
        What is wrong.
    what_to_do : str
    headers : dict of str, default=None
    **about
        What else the reply holds.
    """

    def __init__(self, status, error, what_to_do, headers=None, **about):
        super().__init__(error)
        self.status = status
        self.headers = headers
        self.content = {"error": error, "what_to_do": what_to_do, **about}
