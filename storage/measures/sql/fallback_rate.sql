-- How often a request was given up after no valid reply, and the turn passed. Probes are left out.
-- family: cost
-- unit: share of requests
-- range: 0 to 1
-- n: requests
-- by: model, purpose, participant
SELECT c.episode, c.model, c.purpose, c.participant, c.fallbacks AS total, c.calls AS n
FROM v_costs AS c
WHERE {these}(c.episode) AND c.purpose <> 'probe'
