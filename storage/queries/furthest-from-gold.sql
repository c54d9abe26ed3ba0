-- The beliefs that were furthest from what should have been believed, each where it was worst.
-- :robust = 1 -- 1 for gold on which all trust rules agree, 0 for all gold
-- :most = 50 -- at most so many beliefs
SELECT
  a.episode AS episode, -- the episode's id
  a.turn AS turn, -- the first turn at which it was at its worst
  a.holder AS holder, -- who believes it
  a.chain AS chain, -- whose belief it is: `alice`, `alice>bob`, `alice&bob`, ...
  a.variable AS variable, -- what it is about
  a.source AS source, -- `turn`, or `probe` for what a copied mind said when it was asked
  a.estimator AS estimator, -- how it came about
  a.rule AS rule, -- the trust rule of the gold
  a.gold_brier AS gold_brier, -- squared distance to gold, summed over the values, 0-2
  a.confidence AS confidence, -- what the likeliest value is given, 0-1
  a.gold_basis AS gold_basis -- what the gold rests on: `witnessed`, `told` or `prior`
FROM (
  SELECT
    b.*,
    row_number() OVER (
      PARTITION BY b.episode, b.holder, b.chain, b.variable, b.source, b.estimator, b.rule
      ORDER BY b.gold_brier DESC, b.turn
    ) AS place
  FROM v_belief_accuracy AS b
  WHERE b.gold_brier > 0 AND b.robust >= :robust AND {these}(b.episode)
) AS a
WHERE a.place = 1
ORDER BY a.gold_brier DESC, a.episode, a.turn, a.chain, a.variable, a.source, a.estimator, a.rule
LIMIT :most
