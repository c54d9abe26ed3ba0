-- What models were asked, and what it cost.
SELECT participant, purpose, model, calls, attempts, errors, fallbacks, input_tokens, cached_tokens, output_tokens,
  cost_usd, unknown_prices, latency_ms
FROM v_costs
WHERE episode = :episode
ORDER BY participant, purpose, model
