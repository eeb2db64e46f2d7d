"""Connections that end when their client keeps them without using them."""

from collections import Counter

from uvicorn.protocols.http.h11_impl import H11Protocol

from sklearn_ecg.review.desk._addresses import network_of

# Time for a request with its reply, and the wait before it.
_PER_REQUEST_S = 60
# Fifty browsers of six connections each stay below. Many systems allow a process 1024 files.
_MOST_CONNECTIONS = 400


class Connection(H11Protocol):
    """A connection of uvicorn, which alone would wait without end for a request or a reader."""

    def connection_made(self, transport):
        super().connection_made(transport)
        self.network = network_of(self.client)
        self._end_in_time()
        if len(self.connections) > _MOST_CONNECTIONS:
            self._end_one()

    def on_response_complete(self):
        self._end.cancel()
        self._end_in_time()
        super().on_response_complete()

    def connection_lost(self, exc):
        self._end.cancel()
        super().connection_lost(exc)

    def _end_in_time(self):
        self._end = self.loop.call_later(_PER_REQUEST_S, self.transport.abort)

    def _end_one(self):
        """End a connection of the network that has most: who floods the desk loses, not readers.

        Of these, the one whose last reply is longest ago.
        """
        busiest, _ = Counter(one.network for one in self.connections).most_common(1)[0]
        of_busiest = (one for one in self.connections if one.network == busiest)
        ended = min(of_busiest, key=lambda one: one._end.when())
        self.connections.discard(ended)
        ended.transport.abort()
