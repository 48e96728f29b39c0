"""Calls over a network, for reasoners and tools alike: servers in a pool, clients, faults, and when to try again.

``pool.py`` and ``breaker.py`` choose a server, ``clients.py`` holds the connections, ``faults.py`` says what an
exception of the OpenAI client means, ``retrying.py`` makes attempts, ``urls.py`` reads what a user gives.
"""
