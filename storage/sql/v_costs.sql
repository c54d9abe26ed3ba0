-- What models cost: one row for each episode, participant, purpose and model.
SELECT
  c.episode AS episode, -- the episode's id
  c.participant AS participant, -- whose mind asked
  c.purpose AS purpose, -- what for
  c.uri AS model, -- the model that was asked
  count(DISTINCT c.turn || '/' || c.take || '/' || c.ordinal) AS calls, -- requests, however many attempts each took
  count(*) AS attempts, -- attempts at them
  count(CASE WHEN c.status = 'error' THEN 1 END) AS errors, -- attempts without an answer; taken as free of charge
  count(CASE WHEN c.status = 'fallback' THEN 1 END) AS fallbacks, -- requests given up after no valid reply
  CAST(coalesce(sum(c.input_tokens), 0) AS BIGINT) AS input_tokens, -- tokens read, those from a cache included
  CAST(coalesce(sum(c.cached_tokens), 0) AS BIGINT) AS cached_tokens, -- tokens read from a cache
  CAST(coalesce(sum(c.output_tokens), 0) AS BIGINT) AS output_tokens, -- tokens written
  coalesce(sum(c.cost_usd), 0.0) AS cost_usd, -- dollars, as far as prices are known
  count(CASE WHEN c.cost_usd IS NULL AND c.status <> 'error' THEN 1 END)
    AS unknown_prices, -- answers without a known price: where it is not 0, `cost_usd` is too low
  sum(c.latency_ms) AS latency_ms -- milliseconds, all attempts together
FROM call AS c
GROUP BY c.episode, c.participant, c.purpose, c.uri
