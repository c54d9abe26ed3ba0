-- How much further a belief moves in a turn in which somebody else claims something about it than in a turn without any such
-- claim: `belief_shift` minus `belief_drift`, of the same minds.
-- family: influence
-- unit: total variation
-- range: -1 to 1; 0 for none
-- n: claims, one for each hearer and turn
-- statistic: excess
-- always: estimator
-- by: hearer
{part moves}{part drift}SELECT
  d.episode, d.estimator, d.hearer, sum(d.claimed) AS claimed, sum(d.claims) AS claims, sum(d.moved) AS drift,
  sum(d.turns) AS others
FROM drift AS d
GROUP BY d.episode, d.estimator, d.hearer
