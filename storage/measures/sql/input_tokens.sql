-- How many tokens a request had models read, those from a cache and of all attempts included.
-- family: cost
-- unit: tokens a request
-- range: 0 and more
-- n: requests
-- by: model, purpose, participant
SELECT c.episode, c.model, c.purpose, c.participant, c.input_tokens AS total, c.calls AS n
FROM v_costs AS c
WHERE {these}(c.episode)
