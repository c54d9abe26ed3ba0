"""What a call cost, by the `genai-prices` package, which keeps the published prices of the known providers."""

from __future__ import annotations


class Prices:
    """Prices of one server, known by its base URL.

    A server that the price package does not know (loopback, a company's own) has no price: the cost is None, never 0,
    for nobody can tell what it costs to run. Cached input tokens are priced as such.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._unknown: set[str] = set()

    def cost_usd(
        self, model: str, input_tokens: int | None, output_tokens: int | None, cached: int | None
    ) -> float | None:
        """US dollars for one call; None where the provider, the model or the token counts are unknown.

        `input_tokens` includes the `cached` ones, as in the usage that chat completions report.
        """
        if input_tokens is None or output_tokens is None or model in self._unknown:
            return None
        from genai_prices import Usage, calc_price

        usage = Usage(
            input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=min(cached or 0, input_tokens)
        )
        try:
            return float(calc_price(usage, model, provider_api_url=self._base_url).total_price)
        except LookupError:
            self._unknown.add(model)
            return None
