-- How far a mind's own beliefs are from what was true: the squared distance, summed over the values. Over those on whose
-- gold all trust rules agree. A mind that was not told may do no better.
-- family: beliefs
-- unit: squared distance
-- range: 0 to 2
-- n: beliefs, each at every turn at which it was held
-- always: estimator, rule
-- source: Brier 1950 (Verification of forecasts expressed in terms of probability), the original form over all values
{part own_beliefs}{part items}SELECT i.episode, i.estimator, i.rule, sum(i.truth_brier * i.turns) AS total, sum(i.turns) AS n
FROM items AS i
WHERE i.truth IS NOT NULL AND i.robust = 1
GROUP BY i.episode, i.estimator, i.rule
