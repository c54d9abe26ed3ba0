-- How many thoughts were formed, by all minds together, for each turn.
-- family: thoughts
-- unit: thoughts a turn
-- range: 0 and more
-- n: turns
SELECT o.episode, t.thoughts AS total, o.turns AS n
FROM v_outcomes AS o
JOIN (
  SELECT t.episode, count(*) AS thoughts FROM v_thoughts AS t WHERE {these}(t.episode) GROUP BY t.episode
) AS t ON t.episode = o.episode
WHERE {these}(o.episode)
