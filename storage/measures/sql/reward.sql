-- How well the task was done: 1 where it was done whole, 0 where not at all. Episodes of worlds without a task are left out.
-- family: task
-- unit: share of the task
-- range: 0 to 1
-- n: episodes
-- source: He et al. 2017 (arXiv 1704.07130), section 4: C, where a success is 1
SELECT o.episode, o.reward AS total, 1 AS n
FROM v_outcomes AS o
WHERE {these}(o.episode) AND o.reward IS NOT NULL
