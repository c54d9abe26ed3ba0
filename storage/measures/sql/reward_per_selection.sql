-- How much of the task was done for each selection that was made (acts of the kind `select`, as in mutual-friends): low
-- where partners guess.
-- family: task
-- unit: reward a selection
-- range: 0 to 1
-- n: selections
-- source: He et al. 2017 (arXiv 1704.07130), section 4: C_S
SELECT o.episode, o.reward AS total, s.selections AS n
FROM v_outcomes AS o
JOIN (
  SELECT t.episode, count(*) AS selections
  FROM v_transcript AS t
  WHERE {these}(t.episode) AND t.kind = 'select' AND t.origin = 'participant'
  GROUP BY t.episode
) AS s ON s.episode = o.episode
WHERE {these}(o.episode) AND o.reward IS NOT NULL
