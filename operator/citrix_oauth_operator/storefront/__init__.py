"""StoreFront's CitrixAuth: what its messages say (challenge, messages, forms) and the way to a service token (chain).

Sources: "CitrixAuth Authentication Scheme", "StoreFront Security Token Services API", "Common Forms Authentication API"
and "Common Authentication Forms Language", all by Citrix.
"""
