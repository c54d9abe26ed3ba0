-- Who was wrong about what another believes: models of others whose likeliest value is not that of gold, with how long.
SELECT
  m.episode AS episode, -- the episode's id
  m.holder AS holder, -- who models
  m.other AS other, -- who is modelled
  m.variable AS variable, -- what the belief is about
  m.value AS value, -- what the holder takes the other to believe
  m.estimator AS estimator, -- how the model came about
  m.elicited AS elicited, -- `inline`, or `probe` for what a copied mind said when it was asked
  m.rule AS rule, -- the trust rule of the gold
  min(m.turn) AS since, -- the first turn at which it was so
  count(*) AS turns, -- at how many turns it was so
  min(m.gold_probability) AS gold_probability, -- the least that gold's likeliest value was given, 0-1
  max(m.robust) AS robust, -- 1 where all trust rules agreed at any of these turns
  max(m.differs) AS differs -- 1 where the holder itself should have believed something else than the other
FROM v_mutual AS m
WHERE m.gold_hit < 0.5 AND {these}(m.episode)
GROUP BY m.episode, m.holder, m.other, m.variable, m.value, m.estimator, m.elicited, m.rule
ORDER BY m.episode, since, m.holder, m.other, m.variable, m.rule, m.estimator, m.elicited, m.value
