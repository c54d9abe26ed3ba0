-- How far own beliefs move from one turn to the next where their holder heard, and made, no claim about the variable: what
-- `belief_shift` is to be compared with. What the holder saw happen moves beliefs too, and is in it.
-- family: influence
-- unit: total variation a turn
-- range: 0 to 1
-- n: beliefs, one for each holder, variable and turn
-- always: estimator
-- by: hearer
{part moves}{part drift}SELECT d.episode, d.estimator, d.hearer, sum(d.moved) AS total, sum(d.turns) AS n
FROM drift AS d
GROUP BY d.episode, d.estimator, d.hearer
