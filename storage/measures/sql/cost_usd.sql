-- What an episode cost, in dollars, probes and earlier takes included. An episode with an answer whose price is unknown is left
-- out and counted as missing.
-- family: cost
-- unit: US dollars an episode
-- range: 0 and more
-- n: episodes
-- by: model, purpose, participant
-- statistic: per episode
SELECT c.episode, c.model, c.purpose, c.participant, CASE WHEN c.unknown_prices = 0 THEN c.cost_usd END AS total
FROM v_costs AS c
WHERE {these}(c.episode)
