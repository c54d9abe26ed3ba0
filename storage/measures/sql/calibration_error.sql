-- How far what own beliefs give their likeliest value is from how often it is true, in ten bins of equal width. Bins of
-- fewer than 10 beliefs say nothing and are left out; n counts the others.
-- family: beliefs
-- unit: expected calibration error
-- range: 0 to 1
-- n: beliefs in bins that are large enough, each at every turn at which it was held
-- statistic: calibration error
-- always: estimator, rule
-- source: Guo et al. 2017 (arXiv 1706.04599), equation 3
{part own_beliefs}{part items}SELECT
  i.episode, i.estimator, i.rule, i.bin,
  sum(i.turns) AS n, sum(i.confidence * i.turns) AS given, sum(i.truth_accuracy * i.turns) AS true
FROM (
  SELECT i.*, CASE WHEN i.confidence >= 1 - 1e-9 THEN 9 ELSE {whole}(i.confidence * 10 + 1e-9) END AS bin
  FROM items AS i
  WHERE i.truth IS NOT NULL
) AS i
GROUP BY i.episode, i.estimator, i.rule, i.bin
