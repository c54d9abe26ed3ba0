-- How many tokens models wrote for a request, in all attempts at it.
-- family: cost
-- unit: tokens a request
-- range: 0 and more
-- n: requests
-- by: model, purpose, participant
SELECT c.episode, c.model, c.purpose, c.participant, c.output_tokens AS total, c.calls AS n
FROM v_costs AS c
WHERE {these}(c.episode)
