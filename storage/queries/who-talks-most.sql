-- How the talk was shared: utterances and characters of each participant, beside an even share.
SELECT
  p.episode AS episode, -- the episode's id
  p.name AS participant, -- who
  count(e.text) AS utterances, -- what they said or whispered themselves
  coalesce(sum(length(e.text)), 0) AS characters, -- how long that is
  1.0 * count(e.text) / nullif(sum(count(e.text)) OVER (PARTITION BY p.episode), 0)
    AS share, -- of all utterances, 0-1; NULL where nobody spoke
  1.0 / count(*) OVER (PARTITION BY p.episode) AS even_share, -- what it would be if all spoke as often, 0-1
  min(e.turn) AS first_turn, -- when they first spoke; NULL if never
  max(e.turn) AS last_turn -- when they last spoke
FROM participant AS p
LEFT JOIN event AS e ON e.episode = p.episode AND e.actor = p.name AND e.origin = 'participant'
  AND e.kind IN ('say', 'whisper')
WHERE {these}(p.episode)
GROUP BY p.episode, p.name
ORDER BY p.episode, utterances DESC, characters DESC, p.name
