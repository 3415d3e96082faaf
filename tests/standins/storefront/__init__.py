"""A stand-in StoreFront, written from Citrix's documents; it shares no code with the product.

Marks in the source name the document of each statement: [C] CitrixAuth Authentication Scheme, [STS] StoreFront Security
Token Services API, [Forms] Common Forms Authentication API, [Language] Common Authentication Forms Language, [Store]
Store Services API, [StoreWeb] StoreFront Web API. [?] is not documented, and a guess that a switch can turn round.
"""

from tests.standins.storefront.service import Quirks, StoreFront
from tests.standins.storefront.web import Authority, serve

__all__ = ["Authority", "Quirks", "StoreFront", "serve"]
