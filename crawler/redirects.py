"""Redirects, each hop recorded: its URL and status, the operator it leads to, and why one is not followed.

Scrapy's own middleware keeps no statuses, resolves by other URL rules than the ledger's, and stays in the
politeness slot of the host it came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.outcomes import ASK, Decided, ask_of
from crawler.plan import LONGEST_URL
from crawler.politeness import ask_request
from crawler.urls import operator_domain, resolve_href
from storage.records import Hop

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RedirectMiddleware:
    """Follows up to ``Ask.max_hops`` redirects to http and https URLs."""

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Hand on the response, or the request for the next hop.

        Raises:
            Decided: the target is no http(s) URL (refused), too long (skipped), was asked before in
                this chain or the chain is too long (failed).
        """
        if response.status not in REDIRECTS or ASK not in request.meta:
            return response
        location = response.headers.get(b"Location")
        if not location:
            return response
        ask = ask_of(request)
        try:
            text = location.decode("utf-8")
        except UnicodeDecodeError:
            text = location.decode("latin-1")
        ask = ask._replace(chain=(*ask.chain, Hop(ask.current, response.status)))
        resolved = resolve_href(text, ask.current.url)
        if isinstance(resolved, str):
            if resolved == "not_http":
                raise Decided("refused", "scheme", ask, status=response.status)
            raise Decided("failed", "redirect_invalid", ask, status=response.status)
        target, _ = resolved
        if any(hop.url == target for hop in ask.chain):
            raise Decided("failed", "redirect_loop", ask, status=response.status)
        if len(ask.chain) > ask.max_hops:
            raise Decided("failed", "redirect_limit", ask, status=response.status)
        if len(target.url) > LONGEST_URL:
            raise Decided("skipped", "url_too_long", ask, status=response.status)
        return ask_request(
            ask._replace(current=target),
            slot=operator_domain(target.host),
            like=request,
            # A page half asked comes before pages not begun: its operator's turn is being used.
            priority=request.priority + 1,
        )
