-- How far beliefs are from what should have been believed (gold): the squared distance, summed over the values.
-- Over beliefs on whose gold all trust rules agree, without those that give the truth more than an uncertain gold does: the
-- headline of `tertulia score`, which has more (what is stated in probes, log loss, by what gold rests on).
-- family: beliefs
-- unit: squared distance
-- range: 0 to 2
-- n: beliefs, each at every turn at which it was held
-- always: estimator, rule
-- by: level
-- source: Brier 1950 (Verification of forecasts expressed in terms of probability), the original form over all values
{part all_beliefs}{part items}SELECT i.episode, i.estimator, i.rule, i.level, sum(i.gold_brier * i.turns) AS total, sum(i.turns) AS n
FROM items AS i
WHERE i.gold_brier IS NOT NULL AND i.robust = 1 AND i.beyond_gold = 0
GROUP BY i.episode, i.estimator, i.rule, i.level
