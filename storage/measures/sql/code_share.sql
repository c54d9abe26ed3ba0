-- How often coders gave each level of a code whose levels have no order. Each judgement counts once; items to practise
-- on do not, nor what a coder revised.
-- family: judgements
-- unit: share of judgements
-- range: 0 to 1
-- n: judgements
-- always: coding_set, code, level
-- by: coder
WITH given AS (
  SELECT s.episode, h.coding_set, s.variable AS code, substr(s.estimator, 7) AS coder, s.target AS level
  FROM score AS s
  JOIN (
{part codes}) AS h ON h.run = s.run
  WHERE s.measure = 'code_nominal'
)
SELECT
  g.episode, g.coding_set, g.code, l.level, g.coder, sum(CASE WHEN g.level = l.level THEN 1 ELSE 0 END) AS total,
  count(*) AS n
FROM given AS g
JOIN (SELECT DISTINCT g.coding_set, g.code, g.level FROM given AS g) AS l
  ON l.coding_set = g.coding_set AND l.code = g.code
WHERE {these}(g.episode)
GROUP BY g.episode, g.coding_set, g.code, l.level, g.coder
