-- How far two minds are from taking the same to be common ground: the total variation between `alice&bob` and
-- `bob&alice` at the same turn. Only beliefs by the same estimator are compared.
-- family: beliefs
-- unit: total variation
-- range: 0 to 1
-- n: pairs of beliefs, each at every turn
-- always: estimator
-- source: ours
{part common_grounds}{part distances}SELECT x.episode, x.estimator, sum(x.distance * x.turns) AS total, sum(x.turns) AS n
FROM apart AS x
GROUP BY x.episode, x.estimator
