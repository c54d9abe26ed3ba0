-- When all were silent, for how long, and what broke it.
-- :least = 1 -- only silences of so many turns
SELECT
  s.episode AS episode, -- the episode's id
  s.first AS turn, -- the first silent turn
  s.turns AS turns, -- how many turns it lasted
  s.seconds AS seconds, -- how long that is on the conversation's clock; NULL where there is none
  e.turn AS broken_turn, -- the turn that broke it; NULL where the episode ended in it
  e.actor AS broken_by, -- who did; NULL for the world and the script
  e.origin AS origin, -- `participant`, `scripted` or `world`
  e.text AS text -- with what
FROM (
  SELECT g.episode, min(g.turn) AS first, max(g.turn) AS last, count(*) AS turns, sum(g.lasted_s) AS seconds
  FROM (
    SELECT
      t.episode, t.turn, t.lasted_s,
      t.turn - row_number() OVER (PARTITION BY t.episode ORDER BY t.turn) AS stretch
    FROM turn AS t
    WHERE t.silent AND NOT t.closing AND t.turn > 0 AND {these}(t.episode)
      AND NOT EXISTS (
        SELECT 1 FROM event AS h WHERE h.episode = t.episode AND h.turn = t.turn AND h.origin <> 'floor'
      )
  ) AS g
  GROUP BY g.episode, g.stretch
) AS s
LEFT JOIN event AS e ON e.episode = s.episode AND e.turn = s.last + 1
  AND e.ordinal = (
    SELECT min(m.ordinal) FROM event AS m
    WHERE m.episode = s.episode AND m.turn = s.last + 1 AND m.origin <> 'floor'
  )
WHERE s.turns >= :least
ORDER BY s.episode, s.first
