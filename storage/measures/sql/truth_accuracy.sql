-- How often the likeliest value of a mind's own belief is the true one; equals share. Over those on whose gold all trust
-- rules agree.
-- family: beliefs
-- unit: share of beliefs
-- range: 0 to 1
-- n: beliefs, each at every turn at which it was held
-- always: estimator, rule
-- source: ours; docs/scoring.md
{part own_beliefs}{part items}SELECT i.episode, i.estimator, i.rule, sum(i.truth_accuracy * i.turns) AS total, sum(i.turns) AS n
FROM items AS i
WHERE i.truth IS NOT NULL AND i.robust = 1
GROUP BY i.episode, i.estimator, i.rule
