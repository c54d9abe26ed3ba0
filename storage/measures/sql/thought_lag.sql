-- How many turns a thought waited from being formed to being spoken, over those that were spoken: 0 is at once.
-- family: thoughts
-- unit: turns
-- range: 0 and more
-- n: spoken thoughts
-- by: participant
SELECT t.episode, t.holder AS participant, sum(t.lag) AS total, count(*) AS n
FROM v_thoughts AS t
WHERE {these}(t.episode) AND t.lag IS NOT NULL
GROUP BY t.episode, t.holder
