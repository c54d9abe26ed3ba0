-- What models were asked for, how well they answered, how fast, and what it cost: by model and purpose.
SELECT
  c.model AS model, -- the model that was asked
  c.purpose AS purpose, -- what for
  count(DISTINCT c.episode || '/' || c.request) AS calls, -- requests, however many attempts each took
  count(*) AS attempts, -- attempts at them
  count(CASE WHEN c.status = 'repaired' THEN 1 END) AS repaired, -- replies that were valid after a repair
  count(CASE WHEN c.status = 'invalid' THEN 1 END) AS invalid, -- replies that were not valid
  count(CASE WHEN c.status = 'error' THEN 1 END) AS errors, -- attempts without an answer
  count(CASE WHEN c.status = 'fallback' THEN 1 END) AS fallbacks, -- requests given up
  CAST(coalesce(sum(c.input_tokens), 0) AS BIGINT) AS input_tokens, -- tokens read
  CAST(coalesce(sum(c.output_tokens), 0) AS BIGINT) AS output_tokens, -- tokens written
  coalesce(sum(c.cost_usd), 0.0) AS cost_usd, -- dollars, as far as prices are known
  avg(c.latency_ms) AS latency_ms, -- milliseconds of an attempt, on average
  max(c.latency_ms) AS slowest_ms -- milliseconds of the slowest
FROM v_calls AS c
WHERE {these}(c.episode)
GROUP BY c.model, c.purpose
ORDER BY model, purpose
