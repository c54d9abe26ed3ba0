-- What models were asked in all episodes, those that failed included, and what it cost.
SELECT e.scenario, e.cell, c.purpose, c.model, count(DISTINCT c.episode) AS episodes, sum(c.calls) AS calls,
  sum(c.attempts) AS attempts, sum(c.errors) AS errors, sum(c.fallbacks) AS fallbacks, sum(c.input_tokens) AS input_tokens,
  sum(c.cached_tokens) AS cached_tokens, sum(c.output_tokens) AS output_tokens, sum(c.cost_usd) AS cost_usd,
  sum(c.unknown_prices) AS unknown_prices, 1.0 * sum(c.latency_ms) / sum(c.calls) AS ms_per_call
FROM episode AS e
JOIN v_costs AS c ON c.episode = e.id
WHERE e.batch = :batch
GROUP BY e.scenario, e.cell, c.purpose, c.model
ORDER BY e.scenario, e.cell, c.purpose, c.model
