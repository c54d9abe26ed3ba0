-- How much of the task was done for each turn it took: the sum of rewards over the sum of turns, so that short successes
-- count for more than long ones.
-- family: task
-- unit: reward a turn
-- range: 0 to 1
-- n: turns, silent ones included
-- source: He et al. 2017 (arXiv 1704.07130), section 4: C_T
SELECT o.episode, o.reward AS total, o.turns AS n
FROM v_outcomes AS o
WHERE {these}(o.episode) AND o.reward IS NOT NULL
