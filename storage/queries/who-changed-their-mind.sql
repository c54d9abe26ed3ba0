-- Who changed their mind, and after whose words: each turn at which another value became the likeliest in somebody's own
-- beliefs about a declared variable, with the event that moved it.
-- :least = 0.5 -- only where the new value is given at least so much, 0-1
-- :before = 0.5 -- only where the old value had been given more than so much: 0 takes in who had been undecided
SELECT
  m.episode AS episode, -- the episode's id
  m.turn AS turn, -- the turn in which it changed; the event was before it
  m.holder AS holder, -- who changed their mind
  m.variable AS variable, -- about what
  m.was AS was, -- the likeliest value before
  m.was_probability AS was_probability, -- what it was given then, 0-1
  m.value AS became, -- the likeliest value from then on
  m.probability AS probability, -- what it is given, 0-1
  m.estimator AS estimator, -- how the new distribution came about
  e.actor AS after_whom, -- whose words or act moved it; NULL for the world, the script and what came from within
  e.text AS after_what -- what was said or happened
FROM (
  SELECT
    p.*,
    lag(p.value) OVER own AS was,
    lag(p.probability) OVER own AS was_probability
  FROM (
    SELECT
      b.episode, b.turn, b.holder, b.variable, b.value, b.probability, b.estimator, b.source_event,
      row_number() OVER (
        PARTITION BY b.episode, b.holder, b.variable, b.turn ORDER BY b.probability DESC, b.value
      ) AS place
    FROM belief AS b
    WHERE b.chain = b.holder AND b.declared AND {these}(b.episode)
  ) AS p
  WHERE p.place = 1
  WINDOW own AS (PARTITION BY p.episode, p.holder, p.variable ORDER BY p.turn)
) AS m
LEFT JOIN event AS e ON e.episode = m.episode AND e.turn || '.' || e.ordinal = m.source_event
WHERE m.was <> m.value AND m.probability >= :least AND m.was_probability > :before
ORDER BY m.episode, m.turn, m.holder, m.variable
