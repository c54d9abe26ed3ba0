-- Whose words moved whose beliefs, and how far: the total variation between what a hearer believes of a variable in the turn
-- in which one other participant claims something about it, and in the next turn. Turns in which several others, or the
-- hearer itself, claim something about it are left out. What moves without a claim is `belief_drift`; the difference,
-- `claim_influence`. That a belief moved after a claim does not say that it moved because of it.
-- family: influence
-- unit: total variation a claim
-- range: 0 to 1
-- n: claims, one for each hearer and turn
-- always: estimator
-- by: speaker, hearer
{part moves}SELECT
  t.episode, t.estimator, t.speaker, t.holder AS hearer, sum(t.moved) AS total, count(*) AS n
FROM told AS t
WHERE t.clear = 1
GROUP BY t.episode, t.estimator, t.speaker, t.holder
