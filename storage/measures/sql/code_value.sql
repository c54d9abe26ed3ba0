-- The mean of what coders gave, of codes whose levels are numbers or in an order (then their places from 1). Each
-- judgement counts once; items to practise on do not, nor what a coder revised.
-- family: judgements
-- unit: the code's own
-- range: the code's own
-- n: judgements
-- always: coding_set, code
-- by: coder, participant
SELECT
  s.episode, h.coding_set, s.variable AS code, substr(s.estimator, 7) AS coder, s.holder AS participant,
  sum(s.value) AS total, count(*) AS n
FROM score AS s
JOIN (
{part codes}) AS h ON h.run = s.run
WHERE {these}(s.episode) AND s.measure IN ('code_ordinal', 'code_interval')
GROUP BY s.episode, h.coding_set, s.variable, s.estimator, s.holder
