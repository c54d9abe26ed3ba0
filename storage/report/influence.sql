-- After whose claim whose belief moved, and how far (total variation, 0-1): as `belief_shift` counts, claim by claim and hearer by hearer.
{part moves}SELECT
  t.turn, t.speaker, t.holder AS hearer, t.variable, t.estimator, t.moved,
  (
    SELECT min(c.event) FROM claim AS c
    WHERE c.episode = t.episode AND c.turn = t.turn AND c.variable = t.variable AND c.speaker = t.speaker
      AND c.believer IS NULL
  ) AS event
FROM told AS t
WHERE t.clear = 1
ORDER BY t.turn, t.speaker, t.holder, t.variable
