-- Who believed what, when: one row for each value of each distribution that was written.
-- A distribution is written, whole, when it changes: it holds until the next turn with rows of the same holder,
-- chain and variable; gaps at the turns between such changes are in `v_beliefs_held`. Estimators are never pooled
-- here; `own_estimator` says what a gap compares.
SELECT
  d.episode AS episode, -- the episode's id
  d.turn AS turn, -- the turn in which it was written; it covers all events before that turn
  d.holder AS holder, -- who believes it
  d.chain AS chain, -- `alice`, `alice>bob` (what Alice thinks Bob believes), `alice&bob` (common ground), ...
  d.variable AS variable, -- what it is about
  d.value AS value, -- one of the variable's values
  d.probability AS probability, -- 0-1; sums to 1 over the values of one distribution
  d.estimator AS estimator, -- how it came about: `rules`, `verbalised`, `choice`, `sampled`, `person`; `set` from outside
  d.declared AS declared, -- 1 for a variable of the world or the scenario, 0 for an open proposition
  d.other AS other, -- on a chain `holder>other`, the other; else NULL
  d.own AS own_probability, -- on such a chain, the probability the holder itself gave this value at that turn
  d.own_estimator AS own_estimator, -- and how that came about
  d.own - d.probability AS gap, -- own minus other's: positive where the holder believes it more than it thinks other does
  CASE WHEN sum(d.shared) OVER one > 0 THEN d.shared / sum(d.shared) OVER one END
    AS overlap, -- the smaller of the two, renormalised over the values; NULL where they share nothing
  d.truth AS truth, -- the variable's true value at that turn; NULL where the world has none
  CASE WHEN d.truth IS NOT NULL THEN sum(CASE WHEN d.value = d.truth THEN d.probability ELSE 0.0 END) OVER one END
    AS true_probability, -- what this distribution gives the true value, 0-1, the same in all its rows
  d.source_event AS source_event, -- the event that moved it, `turn.ordinal`
  d.call AS call -- the call it came from
FROM (
  SELECT
    s.episode, s.turn, s.holder, s.chain, s.variable, s.other, s.truth,
    b.value, b.probability, b.estimator, b.source_event, b.call,
    CASE WHEN b.declared THEN 1 ELSE 0 END AS declared,
    o.estimator AS own_estimator,
    CASE WHEN s.own_turn IS NOT NULL THEN coalesce(o.probability, 0.0) END AS own,
    CASE
      WHEN s.own_turn IS NULL THEN NULL
      WHEN o.probability < b.probability THEN o.probability
      WHEN o.probability IS NULL THEN 0.0
      ELSE b.probability
    END AS shared
  FROM (
    -- DISTINCT has both looked up once for each distribution, not wherever they are used.
    SELECT DISTINCT
      c.*,
      CASE WHEN c.other IS NOT NULL THEN (
        SELECT max(o.turn) FROM belief AS o
        WHERE o.episode = c.episode AND o.holder = c.holder AND o.chain = c.holder AND o.variable = c.variable
          AND o.turn <= c.turn
      ) END AS own_turn,
      (
        SELECT g.value FROM gold AS g
        WHERE g.episode = c.episode AND g.chain = 'world' AND g.variable = c.variable
          AND g.turn = (
            SELECT max(m.turn) FROM gold AS m
            WHERE m.episode = c.episode AND m.chain = 'world' AND m.variable = c.variable AND m.turn <= c.turn
          )
        ORDER BY g.probability DESC, g.value
        LIMIT 1
      ) AS truth
    FROM (
      SELECT DISTINCT
        b.episode, b.turn, b.holder, b.chain, b.variable,
        CASE
          WHEN substr(b.chain, 1, length(b.holder) + 1) = b.holder || '>'
            AND length(replace(replace(b.chain, '>', ''), '&', '')) = length(b.chain) - 1
          THEN substr(b.chain, length(b.holder) + 2)
        END AS other
      FROM belief AS b
    ) AS c
  ) AS s
  JOIN belief AS b
    ON b.episode = s.episode AND b.holder = s.holder AND b.chain = s.chain AND b.variable = s.variable
    AND b.turn = s.turn
  LEFT JOIN belief AS o
    ON o.episode = s.episode AND o.turn = s.own_turn AND o.holder = s.holder AND o.chain = s.holder
    AND o.variable = s.variable AND o.value = b.value
) AS d
WINDOW one AS (PARTITION BY d.episode, d.turn, d.holder, d.chain, d.variable)
