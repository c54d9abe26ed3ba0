-- How far two minds are from each other: the total variation between their own beliefs about the same variable at the same
-- turn, over all pairs, variables and turns. Only beliefs by the same estimator are compared.
-- family: beliefs
-- unit: total variation
-- range: 0 to 1
-- n: pairs of beliefs, each at every turn
-- always: estimator
-- source: ours
{part two_minds}{part distances}SELECT x.episode, x.estimator, sum(x.distance * x.turns) AS total, sum(x.turns) AS n
FROM apart AS x
GROUP BY x.episode, x.estimator
