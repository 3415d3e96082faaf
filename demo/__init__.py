"""The demo: a control plane, a stand-in Citrix Cloud, the operator and an application, all from nothing, on loopback.

`python -m demo` (or `make demo`) shows a token Secret being kept fresh, also over a kill -9 of the operator, and says
at the end whether it was: judged by the server's counters and the application's, not by what the operator claims.

DEMO_SECONDS=40: ends by itself, with exit status 0 only if all was well; a machine that is too slow to show all of it
in that time goes on for as long again, at most. DEMO_TOKEN_LIFE=20: the life of access tokens
that the server sets, in seconds. With standard output on a terminal a live view is shown, plain lines otherwise.
"""
