-- How far one mind's model of another (`alice>bob`) is from what that other believes itself (`bob`) at the same turn: the
-- total variation. Only beliefs by the same estimator are compared; beside baselines: `tertulia score --mutual`.
-- family: beliefs
-- unit: total variation
-- range: 0 to 1
-- n: models of one variable, each at every turn
-- always: estimator
-- source: ours
{part models}{part distances}SELECT x.episode, x.estimator, sum(x.distance * x.turns) AS total, sum(x.turns) AS n
FROM apart AS x
GROUP BY x.episode, x.estimator
