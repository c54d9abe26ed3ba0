-- Who took the floor from whom: how often somebody spoke in a turn in which the floor had been given to another.
SELECT
  e.actor AS interrupter, -- who took the floor
  b.participant AS interrupted, -- who had been given it
  count(*) AS times, -- how often
  avg(w.motivation) AS motivation, -- how motivated those who took it were on average, 1.0-5.0
  min(b.episode) AS first_episode, -- an episode in which it happened
  min(b.turn) AS first_turn -- the earliest turn, of any of the episodes
FROM bid AS b
JOIN event AS e ON e.episode = b.episode AND e.turn = b.turn AND e.actor <> b.participant
  AND e.origin = 'participant' AND e.kind IN ('say', 'whisper')
LEFT JOIN bid AS w ON w.episode = e.episode AND w.turn = e.turn AND w.participant = e.actor
WHERE b.interrupted AND {these}(b.episode)
GROUP BY e.actor, b.participant
ORDER BY times DESC, interrupter, interrupted
