"""The desk: a server, and the page at which readers answer."""
