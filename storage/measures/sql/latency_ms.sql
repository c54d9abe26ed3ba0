-- How long a request took until it was answered or given up, all attempts at it together.
-- family: cost
-- unit: milliseconds a request
-- range: 0 and more
-- n: requests
-- by: model, purpose, participant
SELECT c.episode, c.model, c.purpose, c.participant, c.latency_ms AS total, c.calls AS n
FROM v_costs AS c
WHERE {these}(c.episode) AND c.latency_ms IS NOT NULL
