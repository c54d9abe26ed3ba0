-- How near beliefs are to what should have been believed (gold), turn by turn: the sums behind a curve for each episode, turn
-- and level, of the beliefs that `belief_accuracy` and `belief_brier` are over.
-- family: beliefs
-- unit: share of beliefs, or squared distance
-- range: 0 to 1, or 0 to 2
-- n: beliefs held at the turn
-- always: estimator, rule, level, turn
-- source: ours; docs/scoring.md
{part all_beliefs}{part items}SELECT
  s.episode, s.estimator, s.rule, s.level, t.turn,
  sum(s.accuracy) AS accuracy, sum(s.brier) AS brier, sum(s.n) AS n
FROM (
  -- A belief holds over a stretch of turns, from `first` on.
  SELECT
    i.episode, i.estimator, i.rule, i.level, i.first, i.turns,
    sum(i.gold_accuracy) AS accuracy, sum(i.gold_brier) AS brier, count(*) AS n
  FROM items AS i
  WHERE i.gold_brier IS NOT NULL AND i.robust = 1 AND i.beyond_gold = 0
  GROUP BY i.episode, i.estimator, i.rule, i.level, i.first, i.turns
) AS s
JOIN turn AS t ON t.episode = s.episode AND t.turn >= s.first AND t.turn < s.first + s.turns
GROUP BY s.episode, s.estimator, s.rule, s.level, t.turn
